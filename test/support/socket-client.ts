/** A WebSocket client for tests: brings its token in any of the four ways, keeps every frame, waits for one with a deadline. */

import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import WebSocket from 'ws';
import { createSignal } from './signal.ts';

/** A frame as it came. */
export type Frame = Readonly<Record<string, unknown>>;

/** Where a token is put. */
export type TokenPlace = 'header' | 'subprotocol' | 'query' | 'message';

/** Fields a frame must have, or what it must satisfy. */
export type Wish = Frame | ((frame: Frame) => boolean);

/** Why and how a socket ended. */
export type Ending = { readonly code: number; readonly reason: string };

/** One socket. Frames are taken in the order they came. */
export type SocketClient = {
    /** All that came, taken or not. */
    readonly frames: readonly Frame[];
    /** Sends a string or bytes as they are, anything else as JSON. */
    send(frame: unknown): void;
    /** Takes the first frame after the last one taken that is as wished; without a wish, just the next. */
    next(wish?: Wish, withinMs?: number): Promise<Frame>;
    /** When a frame arrived, by `performance.now()`. */
    arrivedAtMs(frame: Frame): number;
    /** Resolves when the socket has ended. */
    ended(withinMs?: number): Promise<Ending>;
    close(): Promise<void>;
    /** Is gone without a word. */
    vanish(): void;
};

/** `token` undefined: none is sent. With place `message` the auth frame is sent at once. */
export type ConnectOptions = {
    readonly token?: string | undefined;
    readonly place?: TokenPlace;
    readonly headers?: Readonly<Record<string, string>>;
};

const open = new Set<SocketClient>();

/** Connects to a server's `/ws`; resolves when the handshake is done, rejects if it is refused. */
export async function connectSocket(serverUrl: string, options: ConnectOptions = {}): Promise<SocketClient> {
    const { token, place = 'header', headers = {} } = options;
    const at = (where: TokenPlace) => (place === where ? token : undefined);
    const url = new URL('/ws', serverUrl.replace(/^http/, 'ws'));
    const [query, bearer, header, message] = [at('query'), at('subprotocol'), at('header'), at('message')];
    if (query !== undefined) url.searchParams.set('token', query);
    const protocols = ['tidings.v1', ...(bearer === undefined ? [] : [`bearer.${bearer}`])];
    const authorization = header === undefined ? {} : { authorization: `Bearer ${header}` };
    const socket = new WebSocket(url, protocols, { headers: { ...headers, ...authorization } });
    const client = collect(socket);
    await once(socket, 'open');
    open.add(client);
    if (message !== undefined) client.send({ type: 'auth', token: message });
    return client;
}

/** Closes every socket that is still open. Call it after each test. */
export async function closeSockets(): Promise<void> {
    await Promise.all([...open].map((client) => client.close()));
    open.clear();
}

function collect(socket: WebSocket): SocketClient {
    const frames: Frame[] = [];
    const arrivals = new WeakMap<Frame, number>();
    const news = createSignal();
    let taken = 0;
    let ending: Ending | undefined;
    socket.on('message', (data) => {
        const frame = JSON.parse(String(data)) as Frame;
        arrivals.set(frame, performance.now());
        frames.push(frame);
        news.poke();
    });
    socket.on('close', (code, reason) => {
        ending = { code, reason: reason.toString() };
        news.poke();
    });

    function take(wish: Wish): Frame | undefined {
        const place = frames.findIndex((frame, n) => n >= taken && suits(frame, wish));
        if (place < 0) return undefined;
        taken = place + 1;
        return frames[place];
    }

    async function next(wish: Wish = {}, withinMs?: number): Promise<Frame> {
        const what = `a frame ${typeof wish === 'function' ? wish : JSON.stringify(wish)}`;
        try {
            return await news.until(() => take(wish), what, withinMs);
        } catch (error) {
            const last = JSON.stringify(frames.slice(-5));
            throw new Error(`${String(error)}; the last of ${frames.length} frames: ${last}`, { cause: error });
        }
    }

    async function close(): Promise<void> {
        if (ending === undefined) socket.close();
        await news.until(() => ending, 'the socket to end');
    }

    return {
        frames,
        send: (frame) =>
            socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)),
        next,
        arrivedAtMs: (frame) => arrivals.get(frame) ?? Number.NaN,
        ended: (withinMs) => news.until(() => ending, 'the socket to end', withinMs),
        close,
        vanish: () => socket.terminate(),
    };
}

/** Whether a frame, or another object, is as wished. */
export function suits(frame: Frame, wish: Wish): boolean {
    if (typeof wish === 'function') return wish(frame);
    return Object.entries(wish).every(([name, value]) => isDeepStrictEqual(frame[name], value));
}

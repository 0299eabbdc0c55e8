/** A WebSocket client that keeps every frame, and a raw one for what a good client would not send. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';

export type Frame = { readonly type: string; readonly [field: string]: unknown };

const PATIENCE_MS = 8000;

/** Opens a socket and waits until it is open. */
export async function openClient(
    url: string,
    { protocols = ['tidings.v1'], headers = {} }: { protocols?: string[]; headers?: Record<string, string> } = {},
): Promise<Client> {
    const client = new Client(new WebSocket(url, protocols, { headers, perMessageDeflate: true }));
    await client.opened;
    return client;
}

export class Client {
    readonly ws: WebSocket;
    readonly frames: Frame[] = [];
    readonly texts: string[] = [];
    readonly opened: Promise<void>;
    readonly closed: Promise<{ code: number; reason: string }>;
    readonly #waiting: { matches: (frame: Frame) => boolean; resolve: (frame: Frame) => void }[] = [];
    #taken = 0;

    constructor(ws: WebSocket) {
        this.ws = ws;
        ws.on('message', (data) => this.#receive(data.toString()));
        ws.on('error', () => undefined);
        this.opened = once(ws, 'open').then(() => undefined);
        this.closed = new Promise((resolve) => {
            ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
        });
    }

    say(frame: unknown): void {
        this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    }

    /** The first frame of a type that no earlier call has taken. */
    next(type: string): Promise<Frame> {
        return this.until((frame) => frame.type === type);
    }

    /** The first frame, after those taken, that `matches`. */
    until(matches: (frame: Frame) => boolean): Promise<Frame> {
        for (let place = this.#taken; place < this.frames.length; place += 1) {
            const frame = this.frames[place];
            if (frame === undefined || !matches(frame)) continue;
            this.#taken = place + 1;
            return Promise.resolve(frame);
        }
        this.#taken = this.frames.length;
        return inTime(
            new Promise((resolve) => this.#waiting.push({ matches, resolve })),
            () => `a frame; seen: ${this.texts.join(' ').slice(0, 2000)}`,
        );
    }

    /** How the socket was closed. */
    end(): Promise<{ code: number; reason: string }> {
        return inTime(this.closed, () => 'a close');
    }

    #receive(text: string): void {
        const frame = JSON.parse(text) as Frame;
        this.texts.push(text);
        this.frames.push(frame);
        const place = this.#waiting.findIndex(({ matches }) => matches(frame));
        if (place === -1) return;
        this.#taken = this.frames.length;
        this.#waiting.splice(place, 1)[0]?.resolve(frame);
    }
}

/** What a plain TCP peer gets for `text`: everything until the server closes, or until `enough` of it has come. */
export async function exchange(port: number, text: string | Buffer, enough: RegExp = /$^/): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    const done = new Promise<void>((resolve) => {
        socket.on('close', () => resolve());
        socket.on('data', (data) => {
            answer += data.toString('latin1');
            if (enough.test(answer)) resolve();
        });
    });
    socket.write(text);
    await inTime(done, () => `an end; got ${JSON.stringify(answer.slice(0, 500))}`);
    socket.destroy();
    return answer;
}

/** A WebSocket handshake by hand; headers given replace the usual ones. */
export function handshake(headers: Record<string, string> = {}, path = '/ws'): string {
    const all = {
        Host: '127.0.0.1',
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version': '13',
        ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** A raw socket that has shaken hands. */
export async function rawSocket(port: number, path: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(handshake({}, path));
    await once(socket, 'data');
    return socket;
}

/** Rejects if `promise` takes too long. */
export async function inTime<T>(promise: Promise<T>, what: () => string, ms: number = PATIENCE_MS): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`expected ${what()} within ${ms} ms`)), ms);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

/** Resolves once `holds`, looking again every turn. */
export async function until(holds: () => boolean, what: string): Promise<void> {
    const endMs = Date.now() + PATIENCE_MS;
    while (!holds()) {
        if (Date.now() > endMs) throw new Error(`expected ${what} within ${PATIENCE_MS} ms`);
        await new Promise((resolve) => setImmediate(resolve));
    }
}

/**
 * How many frames a second reach how many sockets? Our hub and sessions, against uWebSockets.js's own `publish` (which drops
 * without saying so) and a `send` per socket and frame without corking. Readers are one other process that only counts bytes.
 */

import uws from 'uWebSockets.js';
import { type ChildProcess, fork } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createVerifier, signToken } from '../src/auth/index.ts';
import type { LoggedEvent } from '../src/event.ts';
import { createHub, createReplay, Ring } from '../src/fanout/index.ts';
import { createHttpServer, HTTP_DEFAULTS } from '../src/http/index.ts';
import { encodeEvent } from '../src/protocol/index.ts';
import { createAudience, createSessions, SOCKET_DEFAULTS } from '../src/socket/index.ts';

const SECRET = 'x'.repeat(32);
const TOPIC = 'project:17';
const SOCKETS = [1000, 5000];
/** Events of one turn: what the tail hands on at once when it is busy. */
const PER_TURN = 10;
/** Turns under way before the readers must have caught up. */
const WINDOW = 2;
const SECONDS = 4;

/** A way to bring events to everyone, and where the sockets connect. */
type Way = {
    readonly port: number;
    readonly path: string;
    publish(events: readonly LoggedEvent[]): void;
    stop(): Promise<void>;
};

const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
    publish: startPublish,
    ours: startOurs,
    naive: startNaive,
};

export async function ask(): Promise<void> {
    for (const sockets of SOCKETS) {
        const rates: Record<string, number> = {};
        for (const [name, start] of Object.entries(WAYS)) rates[name] = await measure(name, start, sockets);
        const { ours = 0, publish = 1, naive = 1 } = rates;
        console.log(
            `${sockets} sockets: ours / publish ${(ours / publish).toFixed(2)}, ours / naive ${(ours / naive).toFixed(2)}`,
        );
    }
}

async function measure(name: string, start: () => Promise<Way>, sockets: number): Promise<number> {
    const way = await start();
    const readers = fork(fileURLToPath(import.meta.url), ['readers', String(way.port), way.path, String(sockets)]);
    try {
        const counter = await countBytes(readers);
        let seq = 0;
        const frameBytes = Buffer.byteLength(encodeEvent(toEvent(1_000_000))) + 4;
        const startedMs = performance.now();
        const cpu = process.cpuUsage();
        while (performance.now() - startedMs < SECONDS * 1000) {
            way.publish(Array.from({ length: PER_TURN }, () => toEvent(1_000_000 + ++seq)));
            await counter.atLeast((seq - WINDOW * PER_TURN) * sockets * frameBytes);
        }
        await counter.atLeast(seq * sockets * frameBytes);
        const seconds = (performance.now() - startedMs) / 1000;
        const { user, system } = process.cpuUsage(cpu);
        const frames = seq * sockets;
        console.log(
            `${name.padEnd(8)} ${String(sockets).padStart(5)} sockets  ${thousands(frames / seconds)} frames/s`,
            ` ${thousands(frames / ((user + system) / 1e6))} per CPU second of the server`,
            ` (${frameBytes - 4} bytes, server ${Math.round((user + system) / 1e4 / seconds)} % CPU)`,
        );
        return frames / seconds;
    } finally {
        readers.kill();
        await way.stop();
    }
}

function thousands(n: number): string {
    return `${Math.round(n / 1000)} k`.padStart(7);
}

/** 300 bytes in the frame. Seqs have seven digits, so that all frames are of one length. */
function toEvent(seq: number): LoggedEvent {
    const data = JSON.stringify({ id: '9', version: 4, changes: { title: 'x'.repeat(88) } });
    const at = '2026-11-22T10:00:00.000Z';
    return {
        gseq: seq,
        topic: TOPIC,
        seq,
        id: String(seq),
        event: 'task.updated',
        at,
        actorId: '42',
        data,
        requestId: null,
        traceparent: null,
    };
}

async function startOurs(): Promise<Way> {
    const ring = new Ring();
    const hub = createHub({}, ring);
    const verifier = createVerifier({ secret: SECRET, jwksUrl: null, issuer: null, audience: null });
    const pin = { allowed: true, head: 1_000_000, epoch: 'k', gseq: 1_000_000, resumable: true };
    const log = {
        pin: async (asked: readonly unknown[]) => asked.map(() => pin),
        read: async (_: string, __: number, upto: number) => ({ epoch: 'k', events: [], upto }),
    };
    const limits = {
        wsMaxConnections: null,
        wsMaxLagMs: null,
        wsConnectRate: null,
        wsMaxMessageBytes: 16_384,
        wsRate: null,
        wsMaxConnectionsPerUser: null,
        wsMaxSubscriptions: 100,
        wsMaxBackpressureBytes: 1_048_576,
        replayLimit: 10_000,
    };
    const settings = {
        ...SOCKET_DEFAULTS,
        ...HTTP_DEFAULTS,
        ...limits,
        host: '127.0.0.1',
        port: 0,
        corsOrigins: [],
        trustProxy: 0,
    };
    const observe = () => undefined;
    const replay = createReplay({ ring, log, observe });
    const sessions = createSessions({ hub, audience: createAudience(), log, replay, verifier, observe, settings });
    const fetch = async () => new Response();
    const server = createHttpServer({
        fetch,
        sessions,
        observe,
        settings: { ...settings, drainMs: 200 },
    });
    await server.start();
    return {
        port: Number(new URL(server.url()).port),
        path: `/ws?token=${await signToken(SECRET, '42', 3_600_000)}`,
        publish: (events) => hub.publish({ events, epoch: 'k', gseq: events.at(-1)?.gseq ?? 0 }),
        stop: () => server.stop(),
    };
}

function startPublish(): Promise<Way> {
    return startBare((app) => (frame) => void app.publish(TOPIC, frame));
}

function startNaive(): Promise<Way> {
    return startBare((_, all) => (frame) => {
        for (const ws of all) ws.send(frame);
    });
}

type App = ReturnType<typeof uws.App>;
type Socket = { send(frame: Buffer): number; subscribe(topic: string): boolean };

function startBare(via: (app: App, all: Set<Socket>) => (frame: Buffer) => void): Promise<Way> {
    const app = uws.App();
    const all = new Set<Socket>();
    const send = via(app, all);
    app.ws('/ws', {
        maxBackpressure: 64 * 1024 * 1024,
        open: (ws) => {
            ws.subscribe(TOPIC);
            all.add(ws);
            ws.send(Buffer.from('"subscribed"'));
        },
        close: (ws) => void all.delete(ws),
    });
    return new Promise((resolve) => {
        app.listen('127.0.0.1', 0, (socket) => {
            resolve({
                port: socket === false ? 0 : uws.us_socket_local_port(socket),
                path: '/ws',
                publish: (events) => {
                    for (const event of events) send(Buffer.from(encodeEvent(event)));
                },
                stop: async () => void app.close(),
            });
        });
    });
}

/** Resolves when every reader has joined; then tells how many bytes have come since. */
function countBytes(readers: ChildProcess): Promise<{ atLeast(bytes: number): Promise<void> }> {
    let bytes = 0;
    let waiting: { bytes: number; resolve: () => void } | null = null;
    const counter = {
        atLeast: (wanted: number) =>
            bytes >= wanted
                ? Promise.resolve()
                : new Promise<void>((resolve) => {
                      waiting = { bytes: wanted, resolve };
                  }),
    };
    return new Promise((resolve, reject) => {
        readers.on('exit', () => reject(new Error('the readers ended')));
        readers.on('message', (message: 'joined' | number) => {
            if (message === 'joined') resolve(counter);
            else bytes = message;
            if (waiting !== null && bytes >= waiting.bytes) {
                waiting.resolve();
                waiting = null;
            }
        });
    });
}

/** The other process: joins with every socket, then counts. */
async function read(port: number, path: string, sockets: number): Promise<void> {
    const body = Buffer.from(JSON.stringify({ type: 'subscribe', topic: TOPIC }));
    const subscribe = Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]);
    const handshake = `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    let bytes = 0;
    for (let n = 0; n < sockets; n += 1) {
        await new Promise<void>((joined) => {
            let text: string | null = '';
            const socket = connect({
                port,
                host: '127.0.0.1',
                onread: {
                    buffer: Buffer.alloc(65_536),
                    callback: (size, buffer) => {
                        if (text === null) bytes += size;
                        else {
                            if (text === '') socket.write(subscribe);
                            text += Buffer.from(buffer.subarray(0, size)).toString('latin1');
                            if (text.includes('"subscribed"')) text = finish(joined);
                        }
                        return true;
                    },
                },
            });
            socket.write(handshake);
        });
    }
    process.send?.('joined');
    setInterval(() => process.send?.(bytes), 2);
}

function finish(joined: () => void): null {
    joined();
    return null;
}

if (process.argv[2] === 'readers') {
    await read(Number(process.argv[3]), process.argv[4] ?? '', Number(process.argv[5]));
}

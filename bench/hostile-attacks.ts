/**
 * What hostile clients do, as data: the bytes of each are made before they are needed, and how often each sends them is
 * written down here, so that what is measured is the server and not how fast an attacker burns the machine.
 */

import { frameOf, handshake, PING, PONG, TEXT } from './raw-socket.ts';

/** One way to be a nuisance. */
export type Attack = {
    readonly name: string;
    /** The first bytes, of one with this token and these header lines (its address). */
    readonly hello: (token: string, headers: string) => string | Buffer;
    /** Whether it hangs up as soon as it is answered. */
    readonly leaves?: boolean;
    /** Whether `first` and `shots` wait for the upgrade. */
    readonly isSocket?: boolean;
    readonly first?: Buffer;
    /** Sent in turn, again and again. */
    readonly shots?: readonly Buffer[];
    readonly shotsPerSecond?: number;
    /** Sends `hello` itself again and again, so often a second. */
    readonly again?: number;
    /** Whether it reads nothing once it has sent `first`. */
    readonly isDeaf?: boolean;
};

/** The topic that has much to say. */
export const BUSY_TOPIC = 'project:900';
/** Ids from here on may not be read. */
export const FORBIDDEN_FROM = 1000;

/** Connections one attacker begins in a second, at most. One that is closed comes back as soon as that allows. */
export const CONNECTS_PER_SECOND = 4;

const MESSAGES = 100;
const LARGE_MESSAGES = 20;
const REQUESTS = 20;
const BODIES = 1;
const OVERSIZED = 4;
/** Within the limit of messages. */
const REPLAYS = 2;
/** Slow ones do one thing a second. */
const DRIP = 1;
const MOST_BYTES = 16_384;
/** Topics in a batch. */
const BATCH = 50;

const text = (frame: unknown) => frameOf(TEXT, Buffer.from(JSON.stringify(frame)));
const some = (count: number, make: (n: number) => Buffer) => Array.from({ length: count }, (_, n) => make(n));
const anyId = () => FORBIDDEN_FROM + Math.floor(Math.random() * 1e9);
const bytesOf = (buffer: Buffer) => some(buffer.length, (n) => buffer.subarray(n, n + 1));

const upgrade = (token: string, headers: string) => handshake(`Authorization: Bearer ${token}\r\n${headers}`);
const asSocket = { isSocket: true, hello: upgrade } as const;

/** A request that is sent `REQUESTS` times a second on a connection that stays; the address is a header of each. */
function request(head: string, body = '') {
    return (token: string, headers: string) =>
        `${head} HTTP/1.1\r\nHost: x\r\n${token === '' ? '' : `Authorization: Bearer ${token}\r\n`}${headers}` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const MEGABYTE = `{"name":"${'x'.repeat(1024 * 1024 - 11)}"}`;

/** All of them; as many attackers of each. `past` is a place of the busy topic that much came after. */
export function attacks(past: { readonly since: number; readonly epoch: string }): readonly Attack[] {
    return [
        { ...asSocket, name: 'message flood', shots: [text({ type: 'ping' })], shotsPerSecond: MESSAGES },
        { ...asSocket, name: 'junk JSON', shots: some(16, junk), shotsPerSecond: MESSAGES },
        { ...asSocket, name: '16 KB messages', shots: [text(large())], shotsPerSecond: LARGE_MESSAGES },
        { ...asSocket, name: 'forbidden topics', shots: some(64, subscribe), shotsPerSecond: MESSAGES },
        { ...asSocket, name: 'batches of topics', shots: some(16, batch), shotsPerSecond: LARGE_MESSAGES },
        {
            ...asSocket,
            name: 'replays',
            shots: [text({ type: 'subscribe', topic: BUSY_TOPIC, ...past })],
            shotsPerSecond: REPLAYS,
        },
        { ...asSocket, name: 'ping flood', shots: [frameOf(PING, Buffer.alloc(0))], shotsPerSecond: MESSAGES },
        { ...asSocket, name: 'pong flood', shots: [frameOf(PONG, Buffer.alloc(0))], shotsPerSecond: MESSAGES },
        {
            ...asSocket,
            name: 'oversized frames',
            shots: [frameOf(TEXT, Buffer.alloc(65_535, 'x'))],
            shotsPerSecond: OVERSIZED,
        },
        { ...asSocket, name: 'bad frames', shots: badFrames(), shotsPerSecond: OVERSIZED },
        { name: 'never authenticates', isSocket: true, hello: (_, headers) => handshake(headers) },
        { ...asSocket, name: 'dripped frame', shots: bytesOf(text(large())), shotsPerSecond: DRIP },
        {
            ...asSocket,
            name: 'slow reader',
            isDeaf: true,
            first: text({ type: 'subscribe', topic: BUSY_TOPIC }),
            // So as not to be closed as silent.
            shots: [frameOf(PING, Buffer.alloc(0))],
            shotsPerSecond: 0.1,
        },
        { ...asSocket, name: 'churn', leaves: true },
        { name: 'bad tokens', hello: (token, headers) => upgrade(`${token.slice(0, -4)}AAAA`, headers) },
        {
            name: 'foreign Origin',
            hello: (token, headers) => upgrade(token, `${headers}Origin: https://evil.example\r\n`),
        },
        {
            name: 'slow POST',
            hello: (_, headers) =>
                `POST /notifications/read-all HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: 9000\r\n\r\n`,
            shots: [Buffer.from(' ')],
            shotsPerSecond: DRIP,
        },
        { name: '1 MB bodies', hello: request('POST /notifications/read-all', MEGABYTE), again: BODIES },
        {
            name: 'slowloris',
            hello: () => 'GET /healthz HTTP/1.1\r\nHost: x\r\n',
            shots: [Buffer.from('X-A: b\r\n')],
            shotsPerSecond: DRIP,
        },
        { name: 'requests', hello: request('GET /notifications'), again: REQUESTS },
        {
            name: 'requests, no token',
            hello: (_, headers) => request('GET /notifications')('', headers),
            again: REQUESTS,
        },
    ];
}

function subscribe(): Buffer {
    return text({ type: 'subscribe', topic: `project:${anyId()}` });
}

function batch(): Buffer {
    const topics = Array.from({ length: BATCH }, () => ({ topic: `project:${anyId()}` }));
    return text({ type: 'subscribe', topics });
}

function junk(n: number): Buffer {
    return frameOf(TEXT, Buffer.from('{"type":"subscribe","topic":["project:1",{'.repeat(n + 1)));
}

function large(): unknown {
    const frame = { type: 'ping', ref: 'r', more: '' };
    return { ...frame, more: 'x'.repeat(MOST_BYTES - JSON.stringify(frame).length) };
}

/** A reserved opcode, a reserved bit, a continuation of nothing, a long ping, bytes that are no UTF-8. */
function badFrames(): Buffer[] {
    return [
        Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
        Buffer.from([0xc1, 0x80, 0, 0, 0, 0]),
        Buffer.from([0x80, 0x80, 0, 0, 0, 0]),
        frameOf(PING, Buffer.alloc(126)),
        frameOf(TEXT, Buffer.from([0xff, 0xfe])),
    ];
}

/** Clients that take their time, or nobody else's: each is ended by a deadline, and a healthy one is answered all the while. */

import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Client, handshake, inTime, openClient, rawSocket, until } from '../http/client.ts';
import { type Gateway, startGateway } from '../http/gateway.ts';
import { CONTINUATION, PING, PONG, rawFrame, TEXT } from '../support/raw-frame.ts';

/** uWebSockets.js gives a request's head 10 s, counted in steps of 4. */
const HEAD_MS = 16_000;
const RATE = { count: 20, perMs: 10_000 };

const LARGE_BYTES = 20_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let gateway: Gateway;
let healthy: Client;
let pulse: NodeJS.Timeout;
beforeAll(async () => {
    gateway = await startGateway({
        settings: { heartbeatMs: 2000, authDeadlineMs: 1000, bodyDeadlineMs: 2000, wsMaxConnections: null },
        fetch: async () => new Response('x'.repeat(LARGE_BYTES)),
    });
    healthy = await openClient(`${gateway.socketUrl}?token=${await gateway.token()}`);
    await healthy.next('welcome');
    // A sign of life well within two heartbeats, whatever is tested.
    pulse = setInterval(() => healthy.ws.ping(), 500);
});
afterAll(async () => {
    clearInterval(pulse);
    await gateway.stop();
});
afterEach(() => expect(failures(gateway)).toEqual([]));

function said(type: string): boolean {
    return gateway.observed.some((observation) => observation.type === type);
}

function failures({ observed }: Gateway): unknown[] {
    return observed.filter(({ type }) => type === 'handler.failed');
}

async function open(to: Gateway = gateway): Promise<Socket> {
    const socket = await rawSocket(to.port, `/ws?token=${await to.token()}`);
    return socket.resume();
}

function dial(text = ''): Socket {
    const socket = connect(gateway.port, '127.0.0.1').resume();
    socket.on('error', () => undefined).write(text);
    return socket;
}

/** Writes a piece every so often for as long as the socket is there; resolves with how long that was. */
async function drip(socket: Socket, pieces: () => string | Buffer, everyMs: number, withinMs: number): Promise<number> {
    const begunMs = performance.now();
    const timer = setInterval(() => void socket.write(pieces()), everyMs);
    try {
        await inTime(end(socket), () => 'a close', withinMs);
        return performance.now() - begunMs;
    } finally {
        clearInterval(timer);
        socket.destroy();
    }
}

function end(socket: Socket): Promise<void> {
    return new Promise((resolve) => void socket.once('close', () => resolve()));
}

async function expectHealth(): Promise<void> {
    healthy.say({ type: 'ping' });
    await healthy.next('pong');
}

describe.concurrent('is ended by a deadline:', () => {
    // Each waits for real seconds, so they wait together.
    test('a frame that comes byte by byte', async () => {
        const socket = await open();
        socket.write(rawFrame(TEXT, 'x'.repeat(200)).subarray(0, 8));
        const tookMs = await drip(socket, () => 'x', 100, 15_000);
        expect(tookMs).toBeLessThan(9000);
        await expectHealth();
    });

    test('fragment after fragment without an end', async () => {
        const socket = await open();
        socket.write(rawFrame(TEXT, '"', { fin: false }));
        await drip(socket, () => rawFrame(CONTINUATION, 'x', { fin: false }), 100, 15_000);
        await expectHealth();
    });

    test('fragments with pings between them keep no more than a message', async () => {
        const socket = await open();
        socket.write(rawFrame(TEXT, '"', { fin: false }));
        const piece = Buffer.concat([
            rawFrame(PING),
            rawFrame(CONTINUATION, 'x'.repeat(1000), { fin: false }),
            rawFrame(PONG),
        ]);
        const tookMs = await drip(socket, () => piece, 500, 15_000);
        // Past two heartbeats: a peer that pings is there. It ends when the message is too large.
        expect(tookMs).toBeGreaterThan(6000);
        await expectHealth();
    });

    test('a frame before authentication', async () => {
        const socket = await rawSocket(gateway.port, '/ws');
        socket.resume().write(rawFrame(TEXT, 'x'.repeat(200)).subarray(0, 8));
        await drip(socket, () => 'x', 100, 8000);
    });

    test.each([
        ['a connection that says nothing', ''],
        ['half a head', 'GET / HTTP/1.1\r\nHost: x\r\nX-Half: '],
        ['half a handshake', handshake().slice(0, -2)],
    ])(
        '%s',
        async (_, begin) => {
            await inTime(end(dial(begin)), () => 'a close', HEAD_MS);
            await expectHealth();
        },
        20_000,
    );

    test.each([
        ['a head of endless headers', 'GET / HTTP/1.1\r\nHost: x\r\n', () => 'a: b\r\n'],
        ['a head that comes byte by byte', 'GET / HTTP/1.1\r\nX-Long: ', () => 'x'],
        ['a target that comes byte by byte', 'GET /', () => 'x'],
    ])(
        '%s',
        async (_, begin, pieces) => {
            await drip(dial(begin), pieces, 250, HEAD_MS);
            await expectHealth();
        },
        20_000,
    );

    test.each([
        ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n', () => 'x'],
        ['a body in chunks', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', () => '1\r\nx\r\n'],
    ])(
        '%s that comes byte by byte',
        async (_, begin, pieces) => {
            expect(await drip(dial(begin), pieces, 100, 12_000)).toBeGreaterThan(1500);
            await expectHealth();
        },
        20_000,
    );

    test('a client that does not read its answer', async () => {
        const socket = connect(gateway.port, '127.0.0.1').pause();
        socket.on('error', () => undefined).write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
        // Neither side tells of it: the server has answered, and who doesn't read doesn't see an end.
        await delay(15_000);
        let read = 0;
        socket.on('data', (data) => {
            read += data.length;
        });
        await inTime(end(socket.resume()), () => 'a close');
        expect(read).toBeLessThan(LARGE_BYTES);
        await expectHealth();
    }, 25_000);

    test('a socket that asks and does not read its answers', async () => {
        const socket = await rawSocket(gateway.port, `/ws?token=${await gateway.token()}`);
        socket.pause();
        const asking = rawFrame(TEXT, JSON.stringify({ type: 'ping', ref: 'x'.repeat(60) }));
        const many = Buffer.concat(Array.from({ length: 5000 }, () => asking));
        const gone = until(() => said('socket.dropped') || said('socket.closed'), 'the socket to be full');
        for (let n = 0; n < 10; n += 1) socket.write(many);
        await gone;
        await inTime(end(socket.resume()), () => 'a close');
        await expectHealth();
    });
});

describe('a flood', () => {
    let limited: Gateway;
    let peer: Client;
    beforeAll(async () => {
        limited = await startGateway({ settings: { wsRate: RATE, heartbeatMs: 20_000 } });
        peer = await openClient(`${limited.socketUrl}?token=${await limited.token()}`);
        await peer.next('welcome');
    });
    afterAll(async () => await limited.stop());

    test.each([
        ['pings', PING],
        ['pongs', PONG],
    ])('of %s is told why, then closed with 4429', async (_, opcode) => {
        const socket = await rawSocket(limited.port, `/ws?token=${await limited.token()}`);
        let read = '';
        socket.on('data', (data) => {
            read += data.toString('latin1');
        });
        for (let n = 0; n < 1000; n += 1) socket.write(rawFrame(opcode, 'x'));
        await inTime(end(socket.resume()), () => 'a close');
        expect(read).toContain('"code":"rate_limited"');
        const { observed } = limited;
        expect(observed.findLast(({ type }) => type === 'socket.limited')).toMatchObject({
            what: 'pings',
            refused: 21,
        });
        peer.say({ type: 'ping' });
        await peer.next('pong');
    });

    test('of fragments costs others nothing, and no memory', async () => {
        const socket = await open(limited);
        socket.write(rawFrame(TEXT, '', { fin: false }));
        const many = Buffer.concat(Array.from({ length: 50_000 }, () => rawFrame(CONTINUATION, '', { fin: false })));
        const before = heapBytes();
        for (let n = 0; n < 10; n += 1) {
            socket.write(many);
            peer.say({ type: 'ping', ref: String(n) });
            expect(await peer.until(({ ref }) => ref === String(n))).toMatchObject({ type: 'pong' });
        }
        expect(heapBytes() - before).toBeLessThan(5_000_000);
        expect(failures(limited)).toEqual([]);
        socket.destroy();
    });
});

test('a thousand sockets that never authenticate are closed with 4408, and nothing is left of them', async () => {
    await idle(100);
    const before = heapBytes();
    await idle(1000);
    expect(gateway.sessions.count()).toBe(1);
    expect(heapBytes() - before).toBeLessThan(2_000_000);
    await expectHealth();
}, 30_000);

/** So many sockets that open and wait for their end; what is noted of them is forgotten. */
async function idle(count: number): Promise<void> {
    const ends = Array.from({ length: count }, () => {
        const socket = connect(gateway.port, '127.0.0.1');
        let last = '';
        socket.on('data', (data) => {
            last = data.toString('latin1');
        });
        socket.on('error', () => undefined).write(handshake());
        return end(socket).then(() => last.slice(-14));
    });
    const said = await inTime(Promise.all(ends), () => `${count} ends`, 20_000);
    // The end of a close frame: 4408 and the reason.
    expect(new Set(said)).toEqual(new Set(['\x11\x38unauthorized']));
    gateway.observed.length = 0;
}

function heapBytes(): number {
    collectGarbage();
    return process.memoryUsage().heapUsed;
}

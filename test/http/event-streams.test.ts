/** Bodies that come in pieces, over the real transport: to clients that read, that don't, and that go. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchange, inTime, until } from './client.ts';
import { type Gateway, startGateway } from './gateway.ts';

/** A body made as it is asked for: chunks without end, or so many. */
type Source = { pulled: number; cancelled: boolean; release(): void };

const CHUNK = Buffer.from(`data: ${'x'.repeat(32 * 1024 - 8)}\n\n`);
/** More than the kernel's buffers of both ends take. */
const MANY = 512;
/** Longer than uWebSockets.js waits for room before it cuts a connection. */
const PAUSE_MS = 14_000;

const sources = new Map<string, Source>();
let gateway: Gateway;
let impatient: Gateway;
beforeAll(async () => {
    gateway = await startGateway({ fetch: serve });
    impatient = await startGateway({ fetch: serve, settings: { stallDeadlineMs: 500 } });
});
afterAll(async () => {
    await gateway.stop();
    await impatient.stop();
});

/** `/<name>/<chunks>[/late|/broken|/brief]`: the stream a test asked for by name. */
async function serve({ url }: Request): Promise<Response> {
    const [, name = '', chunks = '0', manner] = new URL(url).pathname.split('/');
    const { promise, resolve } = released();
    const source: Source = { pulled: 0, cancelled: false, release: resolve };
    sources.set(name, source);
    if (manner === 'late') await promise;
    const body = new ReadableStream(
        {
            start: (controller) => controller.enqueue(Buffer.from(': hello\n\n')),
            pull: (controller) => {
                if (manner === 'broken' && source.pulled === 1) controller.error(new Error('broken'));
                else if (source.pulled < Number(chunks)) controller.enqueue(CHUNK);
                else if (manner === 'brief') controller.close();
                source.pulled += 1;
                return source.pulled > Number(chunks) ? promise : undefined;
            },
            cancel: () => {
                source.cancelled = true;
            },
        },
        { highWaterMark: 0 },
    );
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

function released(): { readonly promise: Promise<void>; readonly resolve: () => void } {
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
        resolve = done;
    });
    return { promise, resolve };
}

function sourceOf(name: string): Source {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`expected a request for ${name}`);
    return source;
}

/** A client by hand that has asked for a path and reads nothing yet. */
async function ask(path: string, at = gateway): Promise<{ readonly socket: Socket; readonly name: string }> {
    const name = path.split('/')[1] ?? '';
    const socket = connect(at.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => sources.has(name), 'the request to come');
    return { socket, name };
}

/** Reads on until so many bytes of chunks have come. */
async function readOn(socket: Socket, bytes: number): Promise<void> {
    let got = 0;
    socket.on('data', (data: Buffer) => {
        for (const byte of data) got += byte === X ? 1 : 0;
    });
    socket.resume();
    await inTime(
        new Promise<void>((resolve) => {
            socket.on('data', () => got >= bytes && resolve());
        }),
        () => `${bytes} bytes, got ${got}`,
        20_000,
    );
}

const X = 'x'.charCodeAt(0);
const CHUNK_XS = CHUNK.length - 8;

/** Resolves once nothing more is asked of a body. */
async function atRest(source: Source): Promise<void> {
    for (let before = -1; before < source.pulled; ) {
        before = source.pulled;
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
}

test('what a client is slow to take is not asked for, and all of it comes when it reads, with nothing written after', async () => {
    const { socket, name } = await ask(`/slow/${MANY}`);
    const source = sourceOf(name);
    await atRest(source);
    expect(source.pulled).toBeGreaterThan(1);
    expect(source.pulled).toBeLessThan(MANY);
    await readOn(socket, MANY * CHUNK_XS);
    socket.destroy();
    await until(() => source.cancelled, 'the body to be cancelled');
});

test('a client that stands still for longer than the transport bears goes on where it was', async () => {
    const { socket, name } = await ask(`/still/${MANY}`);
    const source = sourceOf(name);
    await atRest(source);
    const { pulled } = source;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    expect(source.cancelled).toBe(false);
    // A piece or two are tried with each push.
    expect(source.pulled).toBeLessThanOrEqual(pulled + 2 * Math.ceil(PAUSE_MS / 4000));
    await readOn(socket, MANY * CHUNK_XS);
    socket.destroy();
}, 60_000);

test('a client that takes nothing at all is cut off in the end', async () => {
    const { socket, name } = await ask(`/stuck/${MANY}`, impatient);
    await until(() => sourceOf(name).cancelled, 'the body to be cancelled');
    socket.destroy();
}, 30_000);

test('a silent stream is kept, and a client that goes is noticed', async () => {
    const { socket, name } = await ask('/silent/0', impatient);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    expect(sourceOf(name).cancelled).toBe(false);
    socket.destroy();
    await until(() => sourceOf(name).cancelled, 'the body to be cancelled');
}, 30_000);

test('a body that is made when its client has gone already is cancelled', async () => {
    const { socket, name } = await ask('/gone/1/late');
    socket.destroy();
    // The server has noticed when it answers something asked for later.
    await fetch(`${gateway.url}/other/0/late`, { signal: AbortSignal.timeout(300) }).catch(() => undefined);
    sourceOf(name).release();
    await until(() => sourceOf(name).cancelled, 'the body to be cancelled');
});

test('a body that breaks is cut off, not ended', async () => {
    const answer = exchange(gateway.port, 'GET /break/3/broken HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await answer).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(gateway.observed).toContainEqual({ type: 'handler.failed', where: 'http', error: new Error('broken') });
});

test('a body that ends is ended', async () => {
    const answer = exchange(gateway.port, 'GET /end/1/brief HTTP/1.1\r\nHost: x\r\n\r\n', /\r\n0\r\n\r\n$/);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*: hello/);
});

test('the connection of a stream is not used again', async () => {
    const response = await fetch(`${gateway.url}/whole/0`);
    expect(response.headers.get('connection')).toBe('close');
    await response.body?.cancel();
});

test('a stream nobody else has ended is hung up at a stop', async () => {
    const stopping = await startGateway({ fetch: serve });
    const response = await fetch(`${stopping.url}/left/0`);
    const text = response.text();
    await until(() => sources.has('left'), 'the request to come');
    await stopping.stop();
    expect(await text).toBe(': hello\n\n');
});

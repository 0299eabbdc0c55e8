import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSignal, type Signal } from './signal.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A client of an echo server, through the proxy. */
type Client = { readonly socket: Socket; readonly heard: () => string; readonly ending: () => string | undefined };

let echo: Server;
let proxy: TcpProxy;
let news: Signal;
let served: Set<Socket>;
const clients: Socket[] = [];

beforeEach(async () => {
    const sockets = new Set<Socket>();
    served = sockets;
    news = createSignal();
    echo = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
            sockets.delete(socket);
            news.poke();
        });
        socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    proxy = await startTcpProxy(`tcp://127.0.0.1:${port}`);
});

afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await proxy.stop();
    echo.close();
});

function open(): Client {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    let heard = '';
    let ending: string | undefined;
    socket.on('data', (chunk) => {
        heard += String(chunk);
        news.poke();
    });
    socket.on('error', (error) => {
        ending = 'code' in error ? String(error.code) : error.message;
        news.poke();
    });
    socket.on('close', () => {
        ending ??= 'closed';
        news.poke();
    });
    return { socket, heard: () => heard, ending: () => ending };
}

async function say(client: Client, text: string): Promise<void> {
    const wanted = client.heard() + text;
    client.socket.write(text);
    await news.until(() => (client.heard() === wanted ? true : undefined), `an echo of ${text}`);
}

test('forwards, both ways, until one side ends', async () => {
    const client = open();
    await say(client, 'hello');
    await say(client, 'x'.repeat(300_000));
    expect(proxy.counts).toMatchObject({ accepted: 1, open: 1, forwardedBytes: 2 * 300_005, droppedBytes: 0 });
    client.socket.end();
    await news.until(() => client.ending(), 'the end');
    expect(client.ending()).toBe('closed');
});

test('resets what is open when cut, and takes new connections unless told to refuse them', async () => {
    const client = open();
    await say(client, 'hello');
    expect(proxy.cut()).toBe(1);
    expect(await news.until(() => client.ending(), 'the cut')).toBe('ECONNRESET');
    await news.until(() => (served.size === 0 ? true : undefined), 'the server’s side to end');
    proxy.refuse(true);
    const refused = open();
    expect(await news.until(() => refused.ending(), 'the refusal')).toBe('ECONNRESET');
    proxy.refuse(false);
    await say(open(), 'again');
    expect(proxy.counts).toMatchObject({ accepted: 2, refused: 1, cut: 1 });
});

test('a black hole takes what is sent and tells nobody; afterwards old connections are dead and new ones live', async () => {
    const [talking, silent] = [open(), open()];
    await say(talking, 'hello');
    await say(silent, 'hello');
    proxy.blackHole(true);
    talking.socket.write('lost');
    await news.until(() => (proxy.counts.droppedBytes === 4 ? true : setTimeout(news.poke, 5) && undefined), 'a loss');
    const late = open();
    late.socket.write('later');
    proxy.blackHole(false);
    await news.until(() => (late.heard() === 'later' ? true : undefined), 'the late one’s echo');
    talking.socket.write('lost too');
    await say(silent, 'still there');
    expect([talking.heard(), talking.ending()]).toEqual(['hello', undefined]);
    expect(served.size).toBe(3);
    proxy.cut();
    expect(await news.until(() => talking.ending(), 'the cut')).toBe('ECONNRESET');
    await news.until(() => (served.size === 0 ? true : undefined), 'the server’s side to end');
});

test('slows each chunk down', async () => {
    const client = open();
    await say(client, 'hello');
    proxy.slow({ delayMs: 40, bytesPerSecond: 1000 });
    const startedMs = performance.now();
    await say(client, 'x'.repeat(40));
    expect(performance.now() - startedMs).toBeGreaterThan(150);
    proxy.slow(null);
    await say(client, 'fast');
});

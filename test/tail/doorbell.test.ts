/** LISTEN kept up: rings are heard, and heard again after the connection was cut, refused or left half open. */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Service } from '../../src/service.ts';
import { createDoorbell } from '../../src/tail/doorbell.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createSignal, type Signal } from '../support/signal.ts';

let database: TestDatabase;
let doorbell: Service;
let signal: Signal;
let rings: number;
let live: number;
let proxy: Server | undefined;

beforeEach(async () => {
    database = await openDatabase();
    signal = createSignal();
    rings = 0;
    live = 0;
});

afterEach(async () => {
    await doorbell.stop();
    proxy?.close();
    proxy = undefined;
    await database.close();
});

async function start(url: string, options: { heartbeatMs?: number; answerWithinMs?: number } = {}): Promise<void> {
    doorbell = createDoorbell({
        url,
        ...options,
        channels: {
            demo: () => {
                rings += 1;
                signal.poke();
            },
        },
        observe: (seen) => {
            if (seen.type === 'doorbell.state' && seen.state === 'live') live += 1;
            signal.poke();
        },
    });
    await doorbell.start();
}

const listening = (times: number) =>
    signal.until(() => (live >= times && rings >= times ? true : undefined), `${times} connects`, 15_000);

/** Rings until it is heard: the connection may be coming up. */
async function heard(): Promise<void> {
    const before = rings;
    const ringing = setInterval(() => void database.sql`select pg_notify('demo', '')`.catch(() => undefined), 20);
    await signal
        .until(() => (rings > before ? true : undefined), 'a ring', 15_000)
        .finally(() => clearInterval(ringing));
}

/** A door between us and PostgreSQL. */
async function openProxy(): Promise<{ url: string; sockets: Set<Socket>; freeze(): void }> {
    const target = new URL(database.url);
    const sockets = new Set<Socket>();
    proxy = createServer((client) => {
        const server = connect(Number(target.port), target.hostname);
        sockets.add(client);
        client.pipe(server).pipe(client);
        client.on('error', () => server.destroy());
        server.on('error', () => client.destroy());
        client.on('close', () => server.destroy());
        server.on('close', () => client.destroy());
    });
    await new Promise<void>((resolve) => proxy?.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    const url = new URL(database.url);
    url.port = String(typeof address === 'object' ? address?.port : '');
    return {
        url: url.href,
        sockets,
        freeze() {
            for (const socket of sockets) {
                socket.unpipe();
                socket.pause();
            }
            sockets.clear();
        },
    };
}

describe('a doorbell', () => {
    test('rings once when it connects, because a ring may have been missed, and then for every NOTIFY', async () => {
        await start(database.url);
        await listening(1);
        await heard();
    });

    test('hears again after its backend was terminated many times in a row', async () => {
        await start(database.url);
        await listening(1);
        const end = performance.now() + 1500;
        let killed = 0;
        while (performance.now() < end) {
            const rows = await database.sql`select pg_terminate_backend(pid) from pg_stat_activity
                where application_name = 'tidings doorbell' and datname = current_database()`;
            killed += rows.length;
        }
        expect(killed).toBeGreaterThan(1);
        await heard();
    });

    test('connects when PostgreSQL is there at last', async () => {
        const { url } = await openProxy();
        const port = Number(new URL(url).port);
        const closed = new Promise((resolve) => proxy?.close(resolve));
        await closed;
        await start(url);
        await signal.until(() => (live === 0 ? true : undefined), 'nothing yet');
        const target = new URL(database.url);
        proxy = createServer((client) => {
            const server = connect(Number(target.port), target.hostname);
            client.pipe(server).pipe(client);
            client.on('error', () => server.destroy());
            server.on('error', () => client.destroy());
        });
        proxy.listen(port, '127.0.0.1');
        await listening(1);
        await heard();
    });

    test('notices a half-open connection by its heartbeat', async () => {
        const { url, freeze } = await openProxy();
        await start(url, { heartbeatMs: 200, answerWithinMs: 300 });
        await listening(1);
        freeze();
        await signal.until(() => (live >= 2 ? true : undefined), 'a second connection', 10_000);
        await heard();
    });
});

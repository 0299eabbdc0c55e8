/** LISTEN kept up: rings are heard, and heard again after the connection was cut, refused, left half open or made deaf. */

import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import type { Service } from '../../src/service.ts';
import { createDoorbell } from '../../src/tail/doorbell.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createSignal, type Signal } from '../support/signal.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let database: TestDatabase;
let doorbell: Service;
let signal: Signal;
let rings: number;
let live: number;
let reasons: string[];
let proxy: TcpProxy;

beforeEach(async () => {
    database = await openDatabase();
    proxy = await startTcpProxy(database.url);
    signal = createSignal();
    rings = 0;
    live = 0;
    reasons = [];
});

afterEach(async () => {
    await doorbell.stop();
    await proxy.stop();
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
            if (seen.type === 'doorbell.failed') reasons.push(messageOf(seen.error));
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

/** A way to the database on which somebody slips in an `unlisten`, as a pooler may that shares sessions, and hides the answer. */
async function openTamperingProxy(target: string): Promise<{ url: string; deafen(): void; close(): void }> {
    const { hostname, port } = new URL(target);
    let upstream: Socket | undefined;
    let hiding = false;
    const server = createServer((client) => {
        const to = connect(Number(port), hostname);
        upstream = to;
        client.on('error', () => undefined).on('close', () => to.destroy());
        to.on('error', () => undefined).on('close', () => client.destroy());
        client.pipe(to);
        to.on('data', (chunk) => {
            if (!hiding) client.write(chunk);
            hiding = false;
        });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = new URL(target);
    url.port = String(typeof address === 'object' ? address?.port : '');
    return {
        url: url.href,
        deafen() {
            const text = Buffer.from('unlisten *\0');
            const head = Buffer.from([81, 0, 0, 0, text.length + 4]);
            hiding = true;
            upstream?.write(Buffer.concat([head, text]));
        },
        close: () => void server.close(),
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
        proxy.refuse(true);
        await start(proxy.through(database.url));
        await signal.until(() => (reasons.length >= 2 ? true : undefined), 'two failures', 15_000);
        expect(live).toBe(0);
        proxy.refuse(false);
        await listening(1);
        await heard();
    });

    test('notices a half-open connection by its heartbeat', async () => {
        await start(proxy.through(database.url), { heartbeatMs: 200, answerWithinMs: 300 });
        await listening(1);
        proxy.blackHole(true);
        await signal.until(() => (reasons.length >= 2 ? true : undefined), 'that nothing comes back', 10_000);
        proxy.blackHole(false);
        await listening(2);
        await heard();
    });

    test('notices a session that listens no more', async () => {
        const { url, deafen, close } = await openTamperingProxy(database.url);
        await start(url, { heartbeatMs: 200 });
        await listening(1);
        deafen();
        await listening(2);
        expect(reasons).toEqual(['expected the session to listen on demo, got no such channel']);
        await heard();
        close();
    });

    test('stops at once while it waits for a connection that does not come', async () => {
        proxy.blackHole(true);
        await start(proxy.through(database.url));
        const startedMs = performance.now();
        await doorbell.stop();
        expect(performance.now() - startedMs).toBeLessThan(1000);
    });
});

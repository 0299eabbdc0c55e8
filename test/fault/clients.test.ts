/** Clients that vanish without a close, or whose network does. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, type Frame } from '../support/socket-client.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

let database: TestDatabase;
let server: TestServer;
let readers: Reader[] = [];
let writers: Writers | undefined;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    server = await startTestServer(database.url, {
        env: { EXAMPLE: 'false', WS_MAX_CONNECTIONS_PER_USER: '0' },
    });
});

afterAll(async () => {
    await server.stop();
    await database.close();
});

afterEach(async () => {
    await closeSockets();
    await writers?.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
    readers = [];
});

const begin = (name: string, count: number, url: string) =>
    Promise.all(Array.from({ length: count }, (_, n) => startReader(`${name}-${n}`, [url])));

describe('clients', () => {
    test('that vanish without a close, all the time, resume without a loss', async () => {
        readers = await begin('jumpy', 10, server.url);
        writers = startWriters(database.url, { perSecond: 300 });
        let vanished = 0;
        for (const endMs = performance.now() + 3000; performance.now() < endMs; vanished += 1) {
            readers[vanished % readers.length]?.vanish();
            await delay(30);
        }
        const figures = await settle(database.sql, writers, readers);
        report('clients vanish', figures, { vanished });
        expect(figures.reconnects).toBeGreaterThan(40);
        expect(figures).toMatchObject({ repeated: 0, resets: 0 });
    }, 60_000);

    test('that are cut off silently resume on another connection; the server lets go of the old one', async () => {
        const proxy = await startTcpProxy(server.url);
        readers = await begin('muted', 5, proxy.through(server.url));
        writers = startWriters(database.url, { perSecond: 100 });
        await writers.more(50);
        proxy.blackHole(true);
        await writers.more(50);
        if (process.env['FAULT_LONG']) {
            const isMuted = ({ type, userId }: Frame) => type === 'socket.closed' && String(userId).startsWith('muted');
            for (const _ of readers) await server.observed(isMuted, 70_000);
        }
        proxy.blackHole(false);
        for (const reader of readers) reader.vanish();
        const figures = await settle(database.sql, writers, readers);
        expect(proxy.counts.droppedBytes).toBeGreaterThan(0);
        report('clients in a black hole', figures);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 5 });
        await Promise.all(readers.splice(0).map((reader) => reader.stop()));
        await proxy.stop();
    }, 120_000);
});

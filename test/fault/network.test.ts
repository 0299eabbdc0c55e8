/** What networks do between a server and its database: cut, refuse, slow down, swallow. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { closeSockets } from '../support/socket-client.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, recoveryMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

let database: TestDatabase;
let proxy: TcpProxy;
let server: ServerProcess;
let readers: Reader[];
let writers: Writers;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    proxy = await startTcpProxy(database.url);
    server = await startServerProcess(proxy.through(database.url), { env: { EXAMPLE: 'false', LOG_LEVEL: 'debug' } });
});

afterAll(async () => {
    await server?.end('SIGTERM');
    killServerProcesses();
    await proxy.stop();
    await database.close();
});

beforeEach(async () => {
    readers = await Promise.all([startReader('ann', [server.url]), startReader('bob', [server.url])]);
    writers = startWriters(database.url);
    await writers.more(50);
});

afterEach(async () => {
    await closeSockets();
    await writers.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

const noticed = (type: string) => server.logged().filter((line) => line['type'] === type).length;

describe('between a server and its database', () => {
    test('every connection cut, again and again, and a door that stays shut for a second', async () => {
        const before = proxy.counts.cut;
        for (let n = 0; n < 5; n += 1) {
            proxy.cut();
            await delay(300);
        }
        proxy.refuse(true);
        proxy.cut();
        await delay(1000);
        const openedMs = performance.now();
        proxy.refuse(false);
        await writers.more(100);
        const figures = await settle(database.sql, writers, readers);
        expect(proxy.counts.cut - before).toBeGreaterThan(15);
        expect(proxy.counts.refused).toBeGreaterThan(2);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        const recovered = recoveryMs(openedMs, writers, readers);
        report('connections cut', figures, { cuts: proxy.counts.cut - before, recoveryMs: Math.round(recovered) });
        expect(recovered).toBeLessThan(5000);
    }, 60_000);

    test('a slow line: 30 ms a packet, 200 kB a second', async () => {
        proxy.slow({ delayMs: 30, bytesPerSecond: 200_000 });
        const before = proxy.counts.forwardedBytes;
        await writers.more(400);
        proxy.slow(null);
        const figures = await settle(database.sql, writers, readers);
        expect(proxy.counts.forwardedBytes - before).toBeGreaterThan(10_000);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        const { p50, max } = latenciesMs(writers, readers);
        report('slow line', figures, { latencyP50Ms: Math.round(p50), latencyMaxMs: Math.round(max) });
    }, 60_000);

    test('a black hole for five seconds: noticed though nobody says so, and nothing lost', async () => {
        const dropped = proxy.counts.droppedBytes;
        const silent = noticed('database.silent');
        const startedMs = performance.now();
        proxy.blackHole(true);
        const asked = server.call('ann', 'GET', '/readyz');
        await delay(5000);
        expect((await asked).status).toBe(503);
        const closedMs = performance.now();
        proxy.blackHole(false);
        await writers.more(100);
        const figures = await settle(database.sql, writers, readers);
        expect(proxy.counts.droppedBytes).toBeGreaterThan(dropped);
        expect(noticed('database.silent')).toBeGreaterThan(silent);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        const recovered = recoveryMs(closedMs, writers, readers);
        const sinceStart = Math.round(recovered + closedMs - startedMs);
        report('black hole', figures, { recoveryMs: Math.round(recovered), sinceItBeganMs: sinceStart });
        expect(recovered).toBeLessThan(10_000);
    }, 60_000);

    test('connections a firewall forgot, while new ones get through: noticed, and requests end', async () => {
        const silent = noticed('database.silent');
        const startedMs = performance.now();
        proxy.blackHole(true);
        while (proxy.counts.droppedBytes === 0 || performance.now() - startedMs < 200) await delay(10);
        proxy.blackHole(false);
        const joining = server.join('cat', 'room:1').then(() => performance.now() - startedMs);
        const asking = server.call('ann', 'GET', '/readyz').then(({ status }) => status);
        await writers.more(300);
        const joinedAfterMs = await joining;
        expect([200, 503]).toContain(await asking);
        const figures = await settle(database.sql, writers, readers);
        expect(noticed('database.silent')).toBeGreaterThan(silent);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        const recovered = recoveryMs(startedMs, writers, readers);
        report('forgotten connections', figures, {
            recoveryMs: Math.round(recovered),
            subscribedAfterMs: Math.round(joinedAfterMs),
        });
        expect(recovered).toBeLessThan(10_000);
        expect(joinedAfterMs).toBeLessThan(15_000);
    }, 60_000);
});

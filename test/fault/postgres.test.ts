/** What PostgreSQL itself does: crashes under load, and a NOTIFY queue that somebody fills up. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OwnCluster, startOwnCluster } from '../support/own-cluster.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, recoveryMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

/** The smallest queue there is, half a megabyte, so that it is soon full. */
const SETTINGS = { max_notify_queue_pages: '64' };

let cluster: OwnCluster;
let server: ServerProcess;
let readers: Reader[];
let writers: Writers;

beforeAll(async () => {
    cluster = await startOwnCluster(SETTINGS);
    await declareRooms(cluster.sql);
    server = await startServerProcess(cluster.url, { env: { EXAMPLE: 'false', LOG_LEVEL: 'debug' } });
}, 120_000);

afterAll(async () => {
    await server?.end('SIGTERM');
    killServerProcesses();
    await cluster.remove();
});

beforeEach(async () => {
    readers = await Promise.all([startReader('ann', [server.url]), startReader('bob', [server.url])]);
});

afterEach(async () => {
    await writers.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

const usage = async () => {
    const [row] = await cluster.sql<{ usage: number }[]>`select pg_notification_queue_usage() as usage`;
    return row?.usage ?? Number.NaN;
};

/** Notifies until the queue takes no more, or so often. */
async function fillQueue(times: number): Promise<number> {
    let sent = 0;
    try {
        for (; sent < times; sent += 1) {
            await cluster.sql`select pg_notify('tidings_stream', ${sent}::text || repeat('x', 7900))`;
        }
    } catch (error) {
        expect(error).toMatchObject({ message: 'too many notifications in the NOTIFY queue' });
    }
    return sent;
}

describe('nothing committed is lost when', () => {
    test('PostgreSQL is stopped at once and started again, twice, under load', async () => {
        writers = startWriters(cluster.url, { perSecond: 300 });
        const recoveries: number[] = [];
        for (let n = 0; n < 2; n += 1) {
            await writers.more(200);
            await cluster.crash();
            await delay(500);
            await cluster.start();
            const startedMs = performance.now();
            await writers.more(200);
            await delay(100);
            recoveries.push(Math.round(recoveryMs(startedMs, writers, readers)));
        }
        const figures = await settle(cluster.sql, writers, readers);
        report('PostgreSQL stopped -m immediate', figures, { recoveriesMs: recoveries.join('/') });
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        expect(figures.unknown).toBeGreaterThan(0);
        expect(Math.max(...recoveries)).toBeLessThan(5000);
    }, 60_000);

    test.each([
        ['ring for every write', 25],
        ['are polled for', 200],
    ])(
        'a listener that sits in a transaction has let the NOTIFY queue fill up, for writers that %s',
        async (what, perSecond) => {
            const listener = await cluster.sql.reserve();
            await listener`listen somewhere`;
            await listener`begin`;
            await listener`select 1`;
            await fillQueue(500);
            expect(await usage()).toBeGreaterThan(0.9);
            writers = startWriters(cluster.url, { perSecond });
            await delay(2500);
            expect(await usage()).toBeGreaterThan(0.9);
            const figures = await settle(cluster.sql, writers, readers);
            await listener`commit`;
            await listener`unlisten somewhere`;
            listener.release();
            const { p50, max } = latenciesMs(writers, readers);
            report(`NOTIFY queue full, writers that ${what}`, figures, {
                latencyP50Ms: Math.round(p50),
                latencyMaxMs: Math.round(max),
            });
            expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 0 });
            expect(max).toBeLessThan(4000);
        },
        60_000,
    );

    test.runIf(process.env['FAULT_LONG'])(
        'a frozen server no longer takes its rings: its session is ended and the queue is free',
        async () => {
            const other = await startServerProcess(cluster.url, { env: { EXAMPLE: 'false' } });
            const held = await startReader('cat', [server.url]);
            writers = startWriters(cluster.url, { perSecond: 50 });
            server.freeze();
            const frozenMs = performance.now();
            let most = 0;
            for (let sent = 0; most < 0.5; sent += 1) {
                most = Math.max(most, await usage());
                if ((await fillQueue(100)) < 100) break;
                if (sent > 200) throw new Error(`expected the queue to fill, got ${most}`);
            }
            while ((await usage()) > 0.1) {
                if (performance.now() - frozenMs > 40_000)
                    throw new Error(`expected the queue to drain, got ${await usage()}`);
                await delay(200);
            }
            const freeMs = performance.now();
            server.thaw();
            const figures = await settle(cluster.sql, writers, [...readers, held]);
            report('frozen listener', figures, { queueFreeAfterMs: Math.round(freeMs - frozenMs) });
            expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 0 });
            await held.stop();
            await other.end('SIGTERM');
        },
        90_000,
    );
});

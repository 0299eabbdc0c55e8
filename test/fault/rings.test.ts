/** Rings that are lost, forged or not sent: LISTEN cut, NOTIFY flooded, the wake lock squatted. They cost latency, never an event. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

let database: TestDatabase;
let server: ServerProcess;
let readers: Reader[];
let writers: Writers;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    server = await startServerProcess(database.url, { env: { EXAMPLE: 'false', LOG_LEVEL: 'debug' } });
});

afterAll(async () => {
    await server?.end('SIGTERM');
    killServerProcesses();
    await database.close();
});

beforeEach(async () => {
    readers = await Promise.all([startReader('ann', [server.url]), startReader('bob', [server.url])]);
});

afterEach(async () => {
    await writers.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

const rounded = (waits: { readonly p50: number; readonly max: number }) => ({
    latencyP50Ms: Math.round(waits.p50),
    latencyMaxMs: Math.round(waits.max),
});

describe('nothing is lost when', () => {
    test.each([
        ['slow enough to ring for every write', 25],
        ['fast enough to be polled for', 300],
    ])(
        'the LISTEN session is ended every 400 ms, under a load %s',
        async (what, perSecond) => {
            writers = startWriters(database.url, { perSecond });
            let ended = 0;
            for (let n = 0; n < 8; n += 1) {
                await delay(400);
                const rows = await database.sql`
                select pg_terminate_backend(a.pid) from pg_stat_activity a
                where a.application_name = 'tidings doorbell' and a.datname = ${database.name}`;
                ended += rows.length;
            }
            const figures = await settle(database.sql, writers, readers);
            const waits = latenciesMs(writers, readers);
            report(`LISTEN ended, ${what}`, figures, { ended, ...rounded(waits) });
            expect(ended).toBeGreaterThan(4);
            expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
            expect(waits.max).toBeLessThan(4000);
        },
        60_000,
    );

    test('anyone forges and floods rings, ten thousand a second', async () => {
        const before = server.logged().length;
        writers = startWriters(database.url, { perSecond: 100 });
        const forger = await database.sql.reserve();
        let sent = 0;
        const startedMs = performance.now();
        while (performance.now() - startedMs < 3000) {
            // A transaction sends the same text once, so each is another.
            await forger`select pg_notify(c, ${sent}::int + n || ' <script>') from generate_series(1, 500) n,
                unnest('{tidings_wake,tidings_stream}'::text[]) c`;
            sent += 1000;
            await delay(Math.max(0, startedMs + sent / 10 - performance.now()));
        }
        forger.release();
        const perSecond = Math.round((sent * 1000) / (performance.now() - startedMs));
        const figures = await settle(database.sql, writers, readers);
        const waits = latenciesMs(writers, readers);
        report('rings flooded', figures, { forged: sent, perSecond, ...rounded(waits) });
        expect(sent).toBeGreaterThan(10_000);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        expect(waits.max).toBeLessThan(4000);
        expect(server.logged().length - before).toBeLessThan(100);
    }, 60_000);

    test('a stranger squats on the wake lock, so that no writer rings and no sequencer gets it', async () => {
        const squatter = await database.sql.reserve();
        await squatter`select pg_advisory_lock(1953064289, 1)`;
        writers = startWriters(database.url, { perSecond: 100 });
        await delay(5000);
        const rings = await database.sql`select pg_try_advisory_lock_shared(1953064289, 1) as free`;
        expect(rings[0]?.['free']).toBe(false);
        const figures = await settle(database.sql, writers, readers);
        await squatter`select pg_advisory_unlock(1953064289, 1)`;
        squatter.release();
        const waits = latenciesMs(writers, readers);
        report('wake lock squatted', figures, rounded(waits));
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        expect(waits.max).toBeLessThan(4000);
    }, 60_000);
});

/**
 * The clock stepped, forward and back, in PostgreSQL and in a server.
 *
 * In SQL every `clock_timestamp()` of the engine's functions is replaced by one that can be set, so what is tried is the
 * engine's own arithmetic with days, horizons and partitions; PostgreSQL's timeouts run on, as they do on a monotone clock.
 * In the server `Date` is replaced before anything is loaded; see stepped-clock.mjs.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { tokenFor } from '../support/server.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { closeSockets, connectSocket } from '../support/socket-client.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

const PRELOADED = fileURLToPath(new URL('stepped-clock.mjs', import.meta.url));
const MINUTE_MS = 60_000;

let database: TestDatabase;
let directory: string;
let server: ServerProcess;
let readers: Reader[];
let writers: Writers;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    directory = await mkdtemp(join(tmpdir(), 'tidings-clock-'));
    await stepServer(0);
    server = await startServerProcess(database.url, {
        env: { EXAMPLE: 'false', STEPPED_CLOCK: join(directory, 'offset'), NODE_OPTIONS: `--import ${PRELOADED}` },
    });
});

afterAll(async () => {
    await server?.end('SIGTERM');
    killServerProcesses();
    await rm(directory, { recursive: true });
    await database.close();
});

beforeEach(async () => {
    readers = await Promise.all([startReader('ann', [server.url]), startReader('bob', [server.url])]);
    writers = startWriters(database.url, { perSecond: 200 });
    await writers.more(100);
});

afterEach(async () => {
    await closeSockets();
    await writers.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

const stepServer = (offsetMs: number) => writeFile(join(directory, 'offset'), String(offsetMs));

/** Gives the engine a clock that can be set; answers in how many functions it reads it. */
async function makeClockSettable(sql: Sql): Promise<number> {
    await sql.unsafe(`
        create sequence public.clock_offset_s minvalue -100000000 start 0;
        create function public.stepped_clock() returns timestamptz language sql volatile security definer
            return clock_timestamp() + (select last_value from public.clock_offset_s) * interval '1 second';`);
    const functions = await sql<{ source: string }[]>`
        select pg_get_functiondef(p.oid) as source from pg_proc p
        where p.pronamespace = 'tidings'::regnamespace and p.prokind = 'f' and p.prosrc like '%clock_timestamp()%'`;
    for (const { source } of functions) {
        await sql.unsafe(source.replaceAll('clock_timestamp()', 'public.stepped_clock()'));
    }
    return functions.length;
}

const stepDatabase = (sql: Sql, days: number) => sql`select setval('public.clock_offset_s', ${days}::int * 86400)`;

test('PostgreSQL’s clock goes three days ahead, makes partitions there, comes back, and goes a day behind', async () => {
    const { sql } = database;
    expect(await makeClockSettable(sql)).toBeGreaterThanOrEqual(5);
    for (const days of [3, 0, 30, -1, 0]) {
        await stepDatabase(sql, days);
        await writers.more(60);
        await sql`select tidings.create_partitions()`;
        await writers.more(60);
        await sql`select tidings.flush_heads()`;
        for (const reader of readers) reader.vanish();
        await writers.more(60);
    }
    const [spread] = await sql<{ days: number; latest: string }[]>`
        select count(distinct date_trunc('day', at))::int as days, max(sequenced_at - now())::text as latest
        from tidings.event e join tidings.stream s on s.event_id = e.id and s.event_at = e.at`;
    expect(spread?.days).toBeGreaterThanOrEqual(3);
    const figures = await settle(sql, writers, readers);
    const { p50, max } = latenciesMs(writers, readers);
    report('clock of PostgreSQL stepped', figures, {
        daysWritten: spread?.days ?? 0,
        latencyP50Ms: Math.round(p50),
        latencyMaxMs: Math.round(max),
    });
    expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0 });
    expect(max).toBeLessThan(4000);
}, 60_000);

test('a server’s clock goes five minutes ahead and five behind: it judges tokens by it, and delivers as before', async () => {
    /** Whether a token that ends in so many minutes is taken. */
    async function accepts(minutes: number): Promise<boolean> {
        const client = await connectSocket(server.url, { token: await tokenFor('eve', minutes * MINUTE_MS) });
        const first = await client.next();
        await client.close().catch(() => undefined);
        return first['type'] === 'welcome';
    }

    for (const [offset, minutes] of [
        [5, 4],
        [-5, -4],
    ] as const) {
        const before = await accepts(minutes);
        await stepServer(offset * MINUTE_MS);
        await expect.poll(() => accepts(minutes), { timeout: 5000 }).toBe(!before);
        for (const reader of readers) reader.vanish();
        await writers.more(150);
        await stepServer(0);
        await expect.poll(() => accepts(minutes), { timeout: 5000 }).toBe(before);
        await writers.more(50);
    }
    const figures = await settle(database.sql, writers, readers);
    report('clock of a server stepped', figures);
    expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 4 });
}, 60_000);

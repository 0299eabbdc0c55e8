/** What was written while no server ran: numbered in bounded runs when one starts, a row that can't be among it, live topics after it. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, report, settle } from './verdict.ts';
import { startWriters } from './writers.ts';

/** A million where there is time for it. */
const BACKLOG = process.env['FAULT_LONG'] ? 1_000_000 : 60_000;
const OLD_TOPICS = 100;
/** What one run of the sequencer numbers at most. */
const PAGE = 10_000;
const LIMIT_MS = process.env['FAULT_LONG'] ? 600_000 : 60_000;

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    await database.sql`select tidings.topic_kind(k, 'public.anyone(text, text)') from unnest('{old,bad}'::text[]) k`;
    await fill(database.sql);
}, LIMIT_MS);

afterAll(async () => {
    await closeSockets();
    await server?.stop();
    await database.close();
});

/** Straight into the log, as a writer's transaction leaves it; in the middle a topic that no index takes. */
async function fill(sql: Sql): Promise<void> {
    const half = BACKLOG / 2;
    const past = (from: number, upto: number) => sql`
        insert into tidings.event (topic, event, data)
        select 'old:' || n % ${OLD_TOPICS}, 'test.old', jsonb_build_object('key', n::text)
        from generate_series(${from}::int, ${upto}::int) n`;
    await past(1, half);
    // Not compressible, so that it is really as long in an index.
    await sql`
        insert into tidings.event (topic, event, data)
        select 'bad:' || string_agg(md5(n::text), ''), 'test.old', '{}' from generate_series(1, 375) n`;
    await past(half + 1, BACKLOG);
}

test(`a backlog of ${BACKLOG} events, and a topic of 12 kB among them`, { timeout: LIMIT_MS }, async () => {
    const { sql, url } = database;
    const startedMs = performance.now();
    const runs: { numbered: number; tookMs: number }[] = [];
    server = await startTestServer(url, { env: { EXAMPLE: 'false' } });
    const live = await startReader('ann', [server.url]);
    const writers = startWriters(url, { perSecond: 50 });
    let numbered = 0;
    while (numbered < BACKLOG) {
        const seen = await server.observed(
            ({ type, numbered: rows }) => type === 'sequencer.ran' && Number(rows) > 0,
            LIMIT_MS,
        );
        if (seen.type !== 'sequencer.ran') continue;
        runs.push({ numbered: seen.numbered, tookMs: seen.tookMs });
        numbered += seen.numbered;
        expect((await server.call(null, 'GET', '/healthz')).status).toBe(200);
    }
    const doneMs = performance.now() - startedMs;
    await expect.poll(() => sql`select kind from tidings.kind_floor`, { timeout: 20_000 }).toEqual([{ kind: 'bad' }]);
    // Put aside for good, and the mark that it was.
    const aside = await sql`delete from tidings.event e where e.topic like 'bad:%' returning e.event`;
    const figures = await settle(sql, writers, [live]);
    report(`a backlog of ${BACKLOG}`, figures, {
        numberedInMs: Math.round(doneMs),
        longestRunMs: Math.round(Math.max(...runs.map(({ tookMs }) => tookMs))),
        liveMaxMs: Math.round(latenciesMs(writers, [live]).max),
    });
    expect(aside.map((row) => row['event'])).toEqual(['test.old', 'tidings.reset']);
    expect(Math.max(...runs.map((run) => run.numbered))).toBeLessThanOrEqual(PAGE);
    expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 0 });

    const [old] = await sql`
        select count(*)::int as events, count(distinct s.topic)::int as topics, bool_and(s.seq = s.due) as dense
        from (select *, row_number() over (partition by n.topic order by n.gseq) as due from tidings.stream n) s
        where s.topic like 'old:%'`;
    expect(old).toEqual({ events: BACKLOG, topics: OLD_TOPICS, dense: true });
    await expectPast('old:7', BACKLOG / OLD_TOPICS);
    await live.stop();
});

/** That who comes back gets the end of a topic's past, to its head. */
async function expectPast(topic: string, head: number): Promise<void> {
    const reader = await server.join('bob');
    reader.send({ type: 'subscribe', topic });
    const { epoch } = await reader.next({ type: 'subscribed', topic });
    reader.send({ type: 'subscribe', topic, since: head - 100, epoch });
    expect(await reader.next({ topic })).toMatchObject({ type: 'subscribed', outcome: 'resumed', seq: head });
    for (let seq = head - 99; seq <= head; seq += 1) {
        expect(await reader.next({ topic })).toMatchObject({ type: 'event', seq });
    }
}

/** Old days deleted and dropped while clients resume from them and others read on. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms, ROOMS } from './rooms.ts';
import { report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

/** Events of yesterday in every room. */
const OLD = 40;
const TURNS = 12;

let database: TestDatabase;
let server: TestServer;
let readers: Reader[] = [];
let writers: Writers | undefined;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    await database.sql`
        insert into tidings.event (at, topic, event, data)
        select now() - interval '1 day', t, 'test.old', '{}'
        from unnest(${[...ROOMS]}::text[]) t, generate_series(1, ${OLD})`;
    await database.sql`select tidings.sequence()`;
    server = await startTestServer(database.url, { env: { EXAMPLE: 'false' } });
});

afterAll(async () => {
    await server.stop();
    await database.close();
});

afterEach(async () => {
    await closeSockets();
    await writers?.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

/** As retention does: the day is let go, for at most 50 ms of waiting at a time; answers how often it had to try. */
async function dropYesterday(sql: Sql): Promise<number> {
    const [row] = await sql`select to_char((now() - interval '1 day') at time zone 'UTC', 'YYYYMMDD') as day`;
    const day = `tidings.event_${row?.['day']}`;
    for (let tries = 1; ; tries += 1) {
        try {
            await sql.begin(async (tx) => {
                await tx`set local lock_timeout = '50ms'`;
                await tx.unsafe(`alter table tidings.event detach partition ${day}; drop table ${day}`);
            });
            return tries;
        } catch (error) {
            if (tries === 200) throw error;
            await delay(20);
        }
    }
}

test('who resumes gets all or a reset, never an error or a wait; who is live loses nothing', async () => {
    const { sql, url } = database;
    const probe = await server.join('pia', ...ROOMS);
    const { epoch } = probe.frames.find((frame) => frame['type'] === 'subscribed') ?? {};
    readers = await Promise.all([startReader('ann', [server.url]), startReader('bob', [server.url])]);
    writers = startWriters(url, { perSecond: 200 });
    await writers.more(50);

    const outcomes: string[] = [];
    const waits: number[] = [];

    /** Comes back from five; a replay that the drop overtakes ends in a reset. */
    async function resume(room: string, user: string): Promise<void> {
        const client = await server.join(user);
        const startedMs = performance.now();
        client.send({ type: 'subscribe', topic: room, since: 5, epoch });
        const answer = await client.next((frame) => frame['topic'] === room, 10_000);
        waits.push(performance.now() - startedMs);
        if (answer['outcome'] === 'resumed') {
            let due = 6;
            for (let reset = false; due <= Number(answer['seq']) && !reset; due += 1) {
                const frame = await client.next((each) => each['topic'] === room, 10_000);
                reset = frame['type'] === 'reset';
                if (!reset) expect(frame).toMatchObject({ type: 'event', seq: due });
            }
        }
        outcomes.push(String(answer['outcome'] ?? answer['type']));
        await client.close();
    }

    const turns = Array.from({ length: TURNS }, (_, turn) => turn);
    const resuming = ROOMS.map(async (room, n) => {
        for (const turn of turns) await resume(room, `late-${n}-${turn}`);
    });
    while (outcomes.length < ROOMS.length * 2) await delay(5);
    await sql`delete from tidings.event e where e.topic = 'room:1' and e.event = 'test.old'`;
    const tries = await dropYesterday(sql);
    await Promise.all(resuming);
    for (const room of ROOMS) await resume(room, 'last');

    const figures = await settle(sql, writers, readers);
    const count = (outcome: string) => outcomes.filter((got) => got === outcome).length;
    const [resumed, reset] = [count('resumed'), count('reset')];
    const slowestAnswerMs = Math.round(Math.max(...waits));
    report('days deleted and dropped', figures, { resumed, reset, tries, slowestAnswerMs });
    expect(resumed).toBeGreaterThanOrEqual(ROOMS.length);
    expect(reset).toBeGreaterThanOrEqual(ROOMS.length);
    expect(resumed + reset).toBe(outcomes.length);
    expect(outcomes.slice(-ROOMS.length)).toEqual(ROOMS.map(() => 'reset'));
    expect(slowestAnswerMs).toBeLessThan(4000);
    expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 0 });
}, 60_000);

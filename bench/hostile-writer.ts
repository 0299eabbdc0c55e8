/** What hostile.ts writes: topics that its witnesses read, and a busy one that its attackers read. */

import type { Sql } from 'postgres';
import { BUSY_TOPIC, FORBIDDEN_FROM } from './hostile-attacks.ts';
import type { Place } from './hostile-witnesses.ts';

const TOPICS = 40;
const COMMITS_PER_SECOND = 20;
/** On as many topics in turn, so that each client gets two events a second. */
const EVENTS_PER_COMMIT = 4;
/** Of the topic that slow readers and replays are about. */
const BUSY_EVENTS_PER_COMMIT = 2;
const BUSY_BYTES = 4000;
/** What replays begin at. */
const BUSY_PAST = 5000;

/** Topics that anybody may read, others that nobody may, and one with a past; answers where that begins. */
export async function prepare(sql: Sql): Promise<Place> {
    await sql.unsafe(`create schema demo;
        create function demo.can_read(text, id bigint) returns boolean language sql immutable
        return id < ${FORBIDDEN_FROM};
        grant usage on schema demo to tidings_server;
        select tidings.topic_kind('project', 'demo.can_read(text, bigint)');`);
    await emitBusy(sql, 1);
    await numbered(sql);
    const [past] = await placesOf(sql, [BUSY_TOPIC]);
    if (past === undefined) throw new Error('expected the busy topic to have a place, got none');
    for (let n = 0; n < BUSY_PAST; n += 100) await emitBusy(sql, 100);
    await numbered(sql);
    return past;
}

async function emitBusy(sql: Sql, count: number): Promise<void> {
    await sql`
        select count(tidings.emit(${BUSY_TOPIC}, 'thing.happened', jsonb_build_object('title', repeat('x', ${BUSY_BYTES}::int))))
        from generate_series(1, ${count})`;
}

/** Waits until every event has its place. */
async function numbered(sql: Sql): Promise<void> {
    for (;;) {
        const [row] =
            await sql`select (select count(*) from tidings.event) = (select count(*) from tidings.stream) as done`;
        if (row?.['done']) return;
        await pause(50);
    }
}

export async function placesOf(sql: Sql, topics?: readonly string[]): Promise<Place[]> {
    const asked = topics ?? Array.from({ length: TOPICS }, (_, n) => topicOf(n));
    const rows = await sql<{ topic: string; position: string }[]>`
        select t as topic, tidings.position(t) as position from unnest(${asked}::text[]) t`;
    return rows.map(({ topic, position }) => {
        const [epoch = '', head] = position.split(':');
        return { topic, epoch, head: Number(head) };
    });
}

function topicOf(n: number): string {
    return `project:${1 + (n % TOPICS)}`;
}

/** Writes until stopped: to the topics of the witnesses, telling how long each commit took, and to the busy one. */
export function write(sql: Sql, tookMs: number[]): { stop(): Promise<void> } {
    let stopped = false;

    async function pace(commit: (n: number) => Promise<void>): Promise<void> {
        const startedMs = performance.now();
        for (let n = 0; !stopped; n += 1) {
            await commit(n);
            await pause(Math.max(0, startedMs + ((n + 1) * 1000) / COMMITS_PER_SECOND - performance.now()));
        }
    }

    /** Each event says when its statement was sent, by the clock all processes here share. */
    async function emit(n: number): Promise<void> {
        const topics = Array.from({ length: EVENTS_PER_COMMIT }, (_, m) => topicOf(n * EVENTS_PER_COMMIT + m));
        const sentMs = performance.timeOrigin + performance.now();
        await sql`
            select tidings.emit(t, 'thing.happened', jsonb_build_object('t', ${sentMs}::float8, 'title', repeat('x', 120)))
            from unnest(${topics}::text[]) t`;
        tookMs.push(performance.timeOrigin + performance.now() - sentMs);
    }

    const done = Promise.all([pace(emit), pace(() => emitBusy(sql, BUSY_EVENTS_PER_COMMIT))]);
    return {
        async stop() {
            stopped = true;
            await done;
            await numbered(sql);
        },
    };
}

function pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What is written and read in a run: rows that belong to rooms, and members who may read a room. */

import type { Sql } from 'postgres';
import type { Pool } from '../../src/store/pool.ts';
import type { Logged, Outcome } from './history.ts';

export const ROOMS = 6;
export const ROWS = 30;

/** The topic of a room. */
export function topicOf(room: number): string {
    return `room:${room}`;
}

/** Every topic. */
export const TOPICS: readonly string[] = Array.from({ length: ROOMS }, (_, room) => topicOf(room));

/** Makes the tables, and tracks what is to be seen; each event is made `padBytes` longer. */
export async function createDomain(sql: Sql, padBytes: number): Promise<void> {
    await sql.unsafe(`
        create schema demo;
        create table demo.item (id int primary key, room int not null, version int not null default 0, key text);
        insert into demo.item (id, room) select g, g % ${ROOMS} from generate_series(1, ${ROWS}) g;
        create table demo.done (key text primary key);
        create table demo.member (user_id text, room int, primary key (user_id, room));
        create function demo.can_read(user_id text, room int) returns boolean language sql stable
            return exists (select from demo.member m where m.user_id = can_read.user_id and m.room = can_read.room);
        grant usage on schema demo to tidings_server;
        grant select on demo.member to tidings_server;
        grant execute on function demo.can_read(text, int) to tidings_server;
        select tidings.topic_kind('room', 'demo.can_read(text, int)');
        select tidings.track('demo.item', entity => 'item', topic => $$'room:' || r.room$$,
            data => $$jsonb_build_object('row', r.id, 'version', r.version, 'key', r.key, 'pad', repeat('x', ${padBytes}))$$);`);
}

/** Lets a user read a room, or no longer; the access row goes before whatever else the transaction says. */
export async function setMember(sql: Pool, userId: string, room: number, may: boolean): Promise<void> {
    await sql.begin('', async (tx) => {
        if (may) await tx`insert into demo.member values (${userId}, ${room}) on conflict do nothing`;
        else await tx`delete from demo.member m where m.user_id = ${userId} and m.room = ${room}`;
        await tx`select tidings.access_changed(${userId}, ${topicOf(room)})`;
    });
}

/** Whether everything that was written has its number. */
export async function isNumbered(sql: Pool): Promise<boolean> {
    const [row] = await sql<{ left: number }[]>`
        select count(*)::int as left from tidings.event e
        where not exists (select from tidings.stream s where s.event_id = e.id and s.event_at = e.at)`;
    return row?.left === 0;
}

/** Reads what a run has left in the database. */
export async function readOutcome(sql: Pool, epochs: Outcome['epochs']): Promise<Outcome> {
    const log = await sql<Logged[]>`
        select s.gseq::int, s.topic, s.seq::int, e.id::text, e.event, e.data ->> 'key' as key,
            (e.data ->> 'row')::int as row, (e.data ->> 'version')::int as version
        from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at
        where s.topic like 'room:%'
        order by s.gseq`;
    const done = await sql<{ key: string }[]>`select key from demo.done`;
    const items = await sql<{ id: number; room: number; version: number }[]>`select id, room, version from demo.item`;
    const [errors] = await sql<{ n: number }[]>`select count(*)::int as n from tidings.capture_error`;
    return {
        log,
        committed: new Set(done.map(({ key }) => key)),
        table: new Map(items.map(({ id, room, version }) => [id, { topic: topicOf(room), version }])),
        epochs,
        captureErrors: errors?.n ?? 0,
    };
}

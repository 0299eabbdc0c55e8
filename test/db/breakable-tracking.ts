/** A tracked table whose capture can be made to fail, and what tests of a loss ask of the log. */

import type { Sql } from 'postgres';
import { expect } from 'vitest';
import { sequenceAll, streamLines } from './log-reader.ts';

export type Pin = { readonly head: number; readonly epoch: string; readonly resumable: boolean };

/** `app.doc`, on topic `project:<140 / project>` (0 raises), where v = 13 fails an assertion; `app.label`, on the topic it names. */
export async function createBreakable(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create schema app; grant usage on schema app to tidings_server;
        create function app.can_read(who text, id text) returns boolean language sql return true;
        select tidings.topic_kind('project', 'app.can_read(text,text)'), tidings.topic_kind('label', 'app.can_read(text,text)');
        create table app.doc (id int generated always as identity primary key, project int, v int, secret text default 'hidden');
        create function app.picky(n int) returns int language plpgsql as
            $$ begin assert n is distinct from 13, 'unlucky'; return n; end $$;
        select tidings.track('app.doc', entity => 'doc', topic => $$'project:' || 140 / r.project$$, redact => '{secret}',
            data => $$jsonb_build_object('id', r.id, 'v', app.picky(r.v))$$);
        create table app.label (id int generated always as identity primary key, name text);
        select tidings.track('app.label', entity => 'label', topic => $$r.name$$)`);
}

/** One statement that inserts a row per (project, v). */
export function insertOf(...rows: readonly (readonly [project: number, v: number])[]): string {
    return `insert into app.doc values ${rows.map(([project, v]) => `(default, ${project}, ${v})`).join(', ')}`;
}

/** A subscription's answer. */
export async function pin(sql: Sql, topic: string, since: number | null): Promise<Pin> {
    const [row] = await sql<Pin[]>`
        select head::int, epoch, resumable from tidings.pin(array['42'], array[${topic}], array[${since}::bigint])`;
    if (row === undefined) throw new Error('expected a pin');
    return row;
}

/** The head of the stream. */
export async function gseq(sql: Sql): Promise<number> {
    const [row] = await sql`select gseq::int from tidings.run order by run desc limit 1`;
    return row?.['gseq'];
}

/** What the stream gained after a gseq, without seq. */
export async function gained(sql: Sql, after: number): Promise<string[]> {
    return (await streamLines(sql, after)).map((line) => line.replace(/ \d+ /, ' '));
}

/** The capture errors that work left. */
export async function errorsOf(sql: Sql, work: string): Promise<Record<string, unknown>[]> {
    const [before] = await sql`select coalesce(max(id), 0) as id from tidings.capture_error`;
    await sql.unsafe(work);
    return [
        ...(await sql`
            select table_name, tracking, operation, topics, kinds, sqlstate, message, sample
            from tidings.capture_error where id > ${before?.['id']} order by id`),
    ];
}

/** A topic with two more events in it, all numbered; where its head is. */
export async function headOf(sql: Sql, topic: string): Promise<number> {
    await sql`select tidings.emit(${topic}, 'note.made') from generate_series(1, 2)`;
    await sequenceAll(sql);
    return (await pin(sql, topic, null)).head;
}

/** That a loss was told in a topic: positions of before are void, those from the mark on are good. */
export async function expectReset(sql: Sql, topic: string, head: number): Promise<void> {
    expect(await pin(sql, topic, head - 1)).toMatchObject({ resumable: false });
    expect(await pin(sql, topic, head)).toMatchObject({ head: head + 1, resumable: false });
    expect(await pin(sql, topic, head + 1)).toMatchObject({ resumable: true });
    expect(await sql`select seq::int, floor::int from tidings.topic_head where topic = ${topic}`).toEqual([
        { seq: head + 1, floor: head + 1 },
    ]);
    await sql`select tidings.emit(${topic}, 'note.made')`;
    await sequenceAll(sql);
    expect(await pin(sql, topic, head + 1)).toMatchObject({ head: head + 2, resumable: true });
}

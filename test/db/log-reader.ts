/** The log as tests of the engine look at it. */

import type { Sql } from 'postgres';

/** An event without what differs from run to run. */
export type Logged = { readonly topic: string; readonly event: string; readonly data: unknown };

/** Runs statements, and gives the events they appended, in id order. */
export async function appended(sql: Sql, work: string | (() => PromiseLike<unknown>)): Promise<Logged[]> {
    const [before] = await sql`select coalesce(max(id), 0) as id from tidings.event`;
    await (typeof work === 'string' ? sql.unsafe(work) : work());
    return [
        ...(await sql<Logged[]>`select topic, event, data from tidings.event where id > ${before?.['id']} order by id`),
    ];
}

/** The data of the one event that statements appended. */
export async function dataOf(sql: Sql, work: string): Promise<unknown> {
    const events = await appended(sql, work);
    if (events.length !== 1) throw new Error(`expected one event, got ${JSON.stringify(events)}`);
    return events[0]?.data;
}

/** Numbers all there is, marks of what was lost too. */
export async function sequenceAll(sql: Sql): Promise<void> {
    for (;;) {
        const [run] = await sql`select numbered, more from tidings.sequence()`;
        if (run?.['numbered'] === 0 && run?.['more'] === false) return;
    }
}

/** The stream as lines of `topic seq event`, in order, from after a gseq on. */
export async function streamLines(sql: Sql, after = 0): Promise<string[]> {
    const rows = await sql<{ line: string }[]>`
        select s.topic || ' ' || s.seq || ' ' || e.event as line
        from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at
        where s.gseq > ${after} order by s.gseq`;
    return rows.map(({ line }) => line);
}

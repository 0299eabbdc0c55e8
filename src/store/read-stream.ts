/** The tail's query: everything in the stream after a cursor, with the epoch and head of the same snapshot. */

import type { LoggedEvent } from '../event.ts';
import type { Database } from './connect.ts';
import { type LoggedRow, toLoggedEvent } from './logged-event.ts';

/** Where a tail is. `sequencedAt` only lets PostgreSQL leave older partitions unread; it never decides what is read. */
export type Cursor = { readonly gseq: number; readonly sequencedAt: string };

/** One read. `epoch` and `head` are those of the snapshot the events were read in. */
export type StreamPage = {
    readonly epoch: string;
    readonly head: Cursor;
    readonly events: readonly LoggedEvent[];
    /** The cursor after `events`. */
    readonly cursor: Cursor;
};

type Row = LoggedRow & { epoch: string; head: string; head_at: string; sequenced_at: string };
type EmptyRow = { epoch: string; head: string; head_at: string; gseq: null };

/**
 * Reads up to `limit` events after `cursor`, in stream order.
 *
 * Statistics lie about a partition made ahead, so the join is spelled out (`lateral … offset 0`): one index look-up per
 * row instead of a hash over the whole log.
 */
export async function readStream(sql: Database, cursor: Cursor, limit: number): Promise<StreamPage> {
    const rows = await sql<(Row | EmptyRow)[]>`
        select r.epoch, r.gseq as head, r.at::text as head_at, s.*
        from (select r.epoch, r.gseq, r.at from tidings.run r order by r.run desc limit 1) r
        left join lateral (
            select
                s.gseq, s.topic, s.seq, s.event_id, s.sequenced_at::text as sequenced_at,
                e.event, e.at, e.actor_id, e.data, e.request_id, e.traceparent
            from tidings.stream s
            cross join lateral (
                select
                    e.event, tidings.iso(e.at) as at, e.actor_id, e.data::text as data, e.request_id, e.traceparent
                from tidings.event e
                where e.id = s.event_id and e.at = s.event_at
                offset 0
            ) e
            where s.gseq > ${cursor.gseq} and s.sequenced_at >= ${cursor.sequencedAt}::text::timestamptz
            order by s.gseq
            limit ${limit}
        ) s on true
        order by s.gseq`;
    const first = rows[0];
    if (first === undefined) {
        return { epoch: '', head: cursor, events: [], cursor };
    }
    const head: Cursor = { gseq: Number(first.head), sequencedAt: first.head_at };
    const found = rows.filter((row): row is Row => row.gseq !== null);
    const last = found.at(-1);
    return {
        epoch: first.epoch,
        head,
        events: found.map(toLoggedEvent),
        cursor: last === undefined ? cursor : { gseq: Number(last.gseq), sequencedAt: last.sequenced_at },
    };
}

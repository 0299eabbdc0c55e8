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

/** `event` is null where retention has taken the event. */
type Row = LoggedRow & { epoch: string; head: string; head_at: string; sequenced_at: string };
type EmptyRow = { epoch: string; head: string; head_at: string; gseq: null };

/** Reads up to `limit` events after `cursor`, in stream order; how is said in `db/functions/read_stream.sql`. */
export async function readStream(sql: Database, cursor: Cursor, limit: number): Promise<StreamPage> {
    const rows = await sql<(Row | EmptyRow)[]>`
        select * from tidings.read_stream(${cursor.gseq}, ${cursor.sequencedAt}::text::timestamptz, ${limit})`;
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
        events: found.filter(({ event }) => event !== null).map(toLoggedEvent),
        cursor: last === undefined ? cursor : { gseq: Number(last.gseq), sequencedAt: last.sequenced_at },
    };
}

/** The sequencer's statements: one run, and the wake lock. */

import type { Database } from './connect.ts';

/** What one call of `tidings.sequence()` did; see `db/functions/sequence.sql`. */
export type SequenceRun = {
    readonly numbered: number;
    readonly gseq: number;
    readonly more: boolean;
    readonly busy: boolean;
    /** How long the oldest row of this run had waited, in milliseconds; 0 if there was none. */
    readonly oldestMs: number;
    /** No transaction with a lower id is open. */
    readonly xmin: bigint;
    /** The backend that ran it: session locks are gone when it changes. */
    readonly backend: number;
};

type Row = {
    numbered: number;
    gseq: string | null;
    more: boolean;
    busy: boolean;
    oldest_ms: number | null;
    xmin: string | null;
    backend: number;
};

/** One run, as one autocommit statement: whoever reads its answer may publish what it numbered. */
export async function runSequencer(sql: Database): Promise<SequenceRun> {
    const [row] = await sql<Row[]>`
        select s.numbered, s.gseq, s.more, s.busy, s.oldest_ms, s.xmin::text as xmin, pg_backend_pid() as backend
        from tidings.sequence() s`;
    if (row === undefined) {
        throw new TypeError('expected tidings.sequence() to answer one row, got none');
    }
    return {
        numbered: row.numbered,
        gseq: Number(row.gseq ?? 0),
        more: row.more,
        busy: row.busy,
        oldestMs: row.oldest_ms ?? 0,
        xmin: BigInt(row.xmin ?? 0),
        backend: row.backend,
    };
}

/** Tries to take the wake lock, so that nobody rings while we poll. */
export async function stayAwake(sql: Database): Promise<boolean> {
    const [row] = await sql<{ taken: boolean }[]>`select tidings.stay_awake() as taken`;
    return row?.taken ?? false;
}

/** Releases the wake lock; once no transaction below the id returned is open, everybody rings again. */
export async function fallAsleep(sql: Database): Promise<bigint> {
    const [row] = await sql<{ xid: string }[]>`select tidings.fall_asleep()::text as xid`;
    return BigInt(row?.xid ?? 0);
}

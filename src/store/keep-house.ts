/** Housekeeping statements: partitions ahead, heads flushed, what was snoozed brought back, what is past use deleted. */

import type { Database } from './connect.ts';

/** Makes missing day partitions; answers how many. */
export async function createPartitions(sql: Database): Promise<number> {
    const [row] = await sql<{ made: number }[]>`select tidings.create_partitions() as made`;
    return row?.made ?? 0;
}

/** Brings `tidings.topic_head` up to the stream; answers how many topics moved. */
export async function flushHeads(sql: Database): Promise<number> {
    const [row] = await sql<{ moved: number }[]>`select tidings.flush_heads() as moved`;
    return row?.moved ?? 0;
}

/** Deletes answers kept for `Idempotency-Key` that are past use; answers how many. */
export async function purgeIdempotency(sql: Database): Promise<number> {
    const [row] = await sql<{ purged: string }[]>`select tidings.purge_idempotency() as purged`;
    return Number(row?.purged ?? 0);
}

/** Brings back notifications whose snooze is over, `maxRows` at most; answers how many. */
export async function wakeSnoozed(sql: Database, maxRows: number): Promise<number> {
    const [row] = await sql<{ woken: number }[]>`select tidings.wake_snoozed(${maxRows}) as woken`;
    return row?.woken ?? 0;
}

/** Deletes notifications older than some days, `maxRows` at most; answers how many. */
export async function purgeNotifications(sql: Database, days: number, maxRows: number): Promise<number> {
    const [row] = await sql<{ purged: number }[]>`
        select tidings.purge_notifications(now() - make_interval(days => ${days}), ${maxRows}) as purged`;
    return row?.purged ?? 0;
}

/** Deletes mails that ended some days ago, `maxRows` at most; answers how many. */
export async function purgeDigests(sql: Database, days: number, maxRows: number): Promise<number> {
    const [row] = await sql<{ purged: number }[]>`
        select tidings.purge_digests(now() - make_interval(days => ${days}), ${maxRows}) as purged`;
    return row?.purged ?? 0;
}

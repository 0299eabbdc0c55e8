/** Housekeeping statements: partitions ahead, heads flushed. */

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

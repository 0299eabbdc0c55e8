/** The two kinds of transaction a request works in. */

import type { RestContext, Transaction } from './api.ts';
import { answerOnce } from './idempotency.ts';

/** Opens transactions: with these words after `begin`, rolled back by what `work` throws. */
export type Transactor = {
    begin(mode: string, work: (tx: Transaction) => Promise<unknown>): Promise<unknown>;
};

const LOCK_TIMEOUT = '5s';
const STATEMENT_TIMEOUT = '10s';

/** One snapshot for all statements: what is read beside a position belongs to it. */
export async function readTransaction<T>(sql: Transactor, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return (await sql.begin('isolation level repeatable read read only', work)) as T;
}

/** One transaction that makes the answer, honouring `Idempotency-Key`. */
export async function writeTransaction<T extends Response>(
    sql: Transactor,
    c: RestContext,
    work: (tx: Transaction) => Promise<T>,
): Promise<T> {
    return stepTransaction(sql, c, (tx) => answerOnce(tx, c, () => work(tx)));
}

/**
 * One transaction with the request's actor, id and trace on it, so that every event it makes carries them. A wait for a
 * lock is bounded: a request that waits holds a connection.
 */
export async function stepTransaction<T>(
    sql: Transactor,
    c: RestContext,
    work: (tx: Transaction) => Promise<T>,
): Promise<T> {
    const { requestId, traceparent } = c.var.request;
    return (await sql.begin('', async (tx) => {
        await tx`
            select
                set_config('tidings.actor', ${c.var.userId ?? ''}, true),
                set_config('tidings.request_id', ${requestId}, true),
                set_config('tidings.traceparent', ${traceparent}, true),
                set_config('lock_timeout', ${LOCK_TIMEOUT}, true),
                set_config('statement_timeout', ${STATEMENT_TIMEOUT}, true)
        `;
        return work(tx);
    })) as T;
}

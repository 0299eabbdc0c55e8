/**
 * `Idempotency-Key`: a POST sent again within 24 hours gets the answer of the first and writes nothing.
 *
 * The answer is kept in the transaction of the write itself, so there is one exactly if the write took effect; a request
 * that failed leaves none and may be tried again. A duplicate that arrives meanwhile waits, on the key's unique index, for
 * the first to end.
 */

import { createHash } from 'node:crypto';
import { TidingsError } from '../errors.ts';
import type { RestContext, Transaction } from './api.ts';

const KEY = /^[!-~]{1,255}$/;
const KEPT_HEADERS = ['content-type', 'location', 'etag'];

type Answer = {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
};

/** Does `work` unless the request's key has an answer already. */
export async function answerOnce<T extends Response>(
    tx: Transaction,
    c: RestContext,
    work: () => Promise<T>,
): Promise<T> {
    const key = c.req.method === 'POST' ? c.req.header('idempotency-key') : undefined;
    if (key === undefined) return work();
    if (!KEY.test(key)) {
        const message = 'expected Idempotency-Key to be 1 to 255 visible ASCII characters';
        throw new TidingsError('bad_request', message, { issues: [{ path: 'header.idempotency-key', message }] });
    }
    const fingerprint = await fingerprintOf(c);
    if (!(await claim(tx, c.var.userId, key, fingerprint))) {
        // Made by the handler of this same route, so of its type.
        return (await keptAnswer(tx, c.var.userId, key, fingerprint)) as T;
    }
    const response = await work();
    await keep(tx, c.var.userId, key, response.clone());
    return response;
}

/** Whether the key is ours to use: it was free, or its answer is too old. */
async function claim(tx: Transaction, userId: string, key: string, fingerprint: Buffer): Promise<boolean> {
    const claimed = await tx`
        insert into tidings.idempotency as i (user_id, key, fingerprint)
        values (${userId}, ${key}, ${fingerprint})
        on conflict (user_id, key) do update
            set fingerprint = excluded.fingerprint, answer = null, created_at = excluded.created_at
            where i.created_at < now() - interval '24 hours'
        returning 1
    `;
    return claimed.length === 1;
}

async function keptAnswer(tx: Transaction, userId: string, key: string, fingerprint: Buffer): Promise<Response> {
    const [kept] = await tx<{ fingerprint: Buffer; answer: Answer }[]>`
        select i.fingerprint, i.answer
        from tidings.idempotency i
        where i.user_id = ${userId} and i.key = ${key}
    `;
    if (kept === undefined || !kept.fingerprint.equals(fingerprint)) {
        const message = 'expected Idempotency-Key to be new, got one used for another request';
        throw new TidingsError('idempotency_mismatch', message);
    }
    const { status, headers, body } = kept.answer;
    return new Response(body === '' ? null : body, { status, headers });
}

async function keep(tx: Transaction, userId: string, key: string, response: Response): Promise<void> {
    const headers = Object.fromEntries([...response.headers].filter(([name]) => KEPT_HEADERS.includes(name)));
    const answer: Answer = { status: response.status, headers, body: await response.text() };
    await tx`
        update tidings.idempotency i
        set answer = ${tx.json(answer)}
        where i.user_id = ${userId} and i.key = ${key}
    `;
}

async function fingerprintOf(c: RestContext): Promise<Buffer> {
    const { pathname, search } = new URL(c.req.url);
    const text = JSON.stringify([c.req.method, pathname, search, await c.req.text()]);
    return createHash('sha256').update(text).digest();
}

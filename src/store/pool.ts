/**
 * A pool of sessions: statements and transactions of which none hangs for longer than its deadline, whatever happens to
 * the network, and none goes on after its connection has ended.
 *
 * The driver's own pool does not keep that up: a transaction whose connection ends brings the process down or goes on
 * outside of any transaction (porsager/postgres#1133, #1208, #1216), and a half-open connection holds its statements, and
 * those lined up behind them, for a quarter of an hour.
 */

import type { TransactionSql } from 'postgres';
import { TidingsError } from '../errors.ts';
import { type Database, type Driver, SERVER_ROLE } from './connect.ts';
import { lateError } from './question.ts';
import { createSession, type Session, type SessionOptions } from './session.ts';

/** The pool, itself a template tag for single statements. What is one value to the driver is one here: no fragments. */
export type Pool = Database & {
    /**
     * Runs `work` in a transaction, opened with these words after `begin`; what it throws rolls back. `work` may await
     * nothing but its own statements for long: the deadline is that of the whole.
     */
    begin<T>(mode: string, work: (tx: TransactionSql) => Promise<T>): Promise<T>;
    end(): Promise<void>;
};

/** `max` connections at most; who comes when all are taken waits, no longer than the deadline. */
export type PoolOptions = SessionOptions & { readonly max: number };

/** How the server's own pools are opened: nobody waits longer for a database that does not answer, or was cut off silently. */
export const SERVER_POOL = { role: SERVER_ROLE, statementTimeoutMs: 10_000, deadlineMs: 12_000 } as const;

/** Opens a pool. Nothing is connected until the first statement. */
export function createPool(url: string, { max, ...options }: PoolOptions): Pool {
    const sessions = Array.from({ length: max }, () => createSession(url, options));
    const free = [...sessions];
    const waiting: ((session: Session) => void)[] = [];

    /** The one used last, which is connected. */
    async function take(): Promise<Session> {
        const session = free.pop();
        if (session !== undefined) return session;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                waiting.splice(waiting.indexOf(hand), 1);
                reject(lateError(options.deadlineMs));
            }, options.deadlineMs);
            function hand(session: Session): void {
                clearTimeout(timer);
                resolve(session);
            }
            waiting.push(hand);
        });
    }

    function giveBack(session: Session): void {
        const next = waiting.shift();
        if (next === undefined) free.push(session);
        else next(session);
    }

    async function ask<T>(question: (sql: Driver) => Promise<T>): Promise<T> {
        const session = await take();
        try {
            return await session.ask(question);
        } finally {
            giveBack(session);
        }
    }

    const run: Database = (template, ...parameters) => ask(async (sql) => await sql(template, ...parameters));
    return Object.assign(run, {
        begin: <T>(mode: string, work: (tx: TransactionSql) => Promise<T>) => ask((sql) => transact(sql, mode, work)),
        async end() {
            await Promise.all(sessions.map((session) => session.close()));
        },
    });
}

async function transact<T>(sql: Driver, mode: string, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
    await sql.unsafe(`begin ${mode}`);
    let result: T;
    try {
        // One connection, so its statements are the transaction's; savepoints are not offered.
        result = await work(sql as unknown as TransactionSql);
    } catch (error) {
        await sql`rollback`.catch(() => sql.end({ timeout: 0 }));
        throw error;
    }
    const { command } = await sql`commit`;
    if (command !== 'COMMIT') {
        throw new TidingsError(
            'internal',
            `expected the transaction to commit, got ${command}: a statement had failed`,
        );
    }
    return result;
}

/** One connection of one's own that is thrown away when a query outlives its deadline: a half-open TCP gives no error. */

import { TidingsError } from '../errors.ts';
import { type ConnectionOptions, connect, type Database } from './connect.ts';

/** A single connection for a loop that asks one thing at a time. */
export type Session = {
    /** Runs `ask` on the connection; rejects with `unavailable` after the deadline and starts afresh on the next call. */
    ask<T>(ask: (sql: Database) => Promise<T>): Promise<T>;
    close(): Promise<void>;
};

/** Opens a session. `deadlineMs` is the client's own; keep it above the server's statement timeout. */
export function createSession(url: string, options: Omit<ConnectionOptions, 'max'>, deadlineMs: number): Session {
    let sql: Database | undefined;

    function discard(): void {
        void sql?.end({ timeout: 0 }).catch(() => undefined);
        sql = undefined;
    }

    async function ask<T>(question: (sql: Database) => Promise<T>): Promise<T> {
        sql ??= connect(url, { ...options, max: 1 });
        let timer: NodeJS.Timeout | undefined;
        const deadline = new Promise<never>((_, reject) => {
            timer = setTimeout(() => {
                discard();
                reject(
                    new TidingsError(
                        'unavailable',
                        `expected PostgreSQL to answer within ${deadlineMs} ms, got nothing`,
                    ),
                );
            }, deadlineMs);
        });
        try {
            return await Promise.race([question(sql), deadline]);
        } finally {
            clearTimeout(timer);
        }
    }

    async function close(): Promise<void> {
        const closing = sql;
        sql = undefined;
        await closing?.end({ timeout: 1 });
    }

    return { ask, close };
}

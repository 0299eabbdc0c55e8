/** The one connection a runner works on, and the lock that keeps a second runner out. */

import postgres, { type ReservedSql } from 'postgres';
import { readDatabaseUrl } from '../database-url.ts';
import { messageOf, TidingsError } from '../errors.ts';

/** A connection nobody else uses. */
export type Session = ReservedSql;

/** Key of the advisory lock, per database; the letters `tidings` as a number. */
const LOCK_KEY = '32760433237913459';
const LOCK_WAIT = '60s';

/** Runs `work` on a connection of its own. */
export async function withConnection<T>(databaseUrl: string, work: (sql: Session) => Promise<T>): Promise<T> {
    const { url, tls } = readDatabaseUrl(databaseUrl);
    const pool = postgres(url, {
        ssl: tls,
        max: 1,
        onnotice: () => {},
        connection: { application_name: 'tidings migrate' },
    });
    try {
        const sql = await pool.reserve();
        try {
            return await work(sql);
        } finally {
            sql.release();
        }
    } finally {
        await pool.end({ timeout: 1 });
    }
}

/**
 * Runs `work` while no other runner works on this database; waits a minute for one that does.
 *
 * The lock is the session's, so that it spans the transactions of all files and goes with the connection.
 */
export async function withLock<T>(sql: Session, work: () => Promise<T>): Promise<T> {
    try {
        await sql.unsafe(`set lock_timeout = '${LOCK_WAIT}'; select pg_advisory_lock(${LOCK_KEY})`);
    } catch (error) {
        const message = `expected to be the only migration runner, got: ${messageOf(error)}`;
        throw new TidingsError('failed', message, { cause: error });
    }
    try {
        return await work();
    } finally {
        await sql.unsafe(`select pg_advisory_unlock(${LOCK_KEY})`).catch(() => {});
    }
}

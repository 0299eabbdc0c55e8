/** Runs SQL files with timeouts, and again when a lock was in the way; says file and line when one fails. */

import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { messageOf, TidingsError } from '../errors.ts';
import type { Session } from './session.ts';

/** SQL as it stands in a file; `line` is where it begins there. */
export type Part = { readonly name: string; readonly sql: string; readonly line: number };

/** What to run: all parts and then `note`, in one transaction, or each by itself if the file asks for none. */
export type Application = {
    readonly parts: readonly Part[];
    readonly transaction: boolean;
    /** Taken on for the parts, not for `note`. */
    readonly role: string | null;
    readonly note: () => Promise<void>;
};

const LOCK_TIMEOUT = '3s';
const STATEMENT_TIMEOUT = '15min';
const TRIES = 5;
const FIRST_WAIT_MS = 250;

/**
 * Applies files. A writer who waits behind our wait for a lock waits three seconds at most; then we step back, wait
 * longer each time, and try again, five times in all. Outside a transaction there is no second try: what is done is done.
 *
 * @throws TidingsError `failed` naming file and line.
 */
export async function applyFile(sql: Session, application: Application): Promise<void> {
    await sql.unsafe(`set lock_timeout = '${LOCK_TIMEOUT}'; set statement_timeout = '${STATEMENT_TIMEOUT}'`);
    if (!application.transaction) {
        await runParts(sql, application);
        return;
    }
    for (let attempt = 1; ; attempt += 1) {
        try {
            await sql.unsafe('begin');
            await runParts(sql, application);
            await sql.unsafe('commit');
            return;
        } catch (error) {
            await sql.unsafe('rollback').catch(() => {});
            if (attempt === TRIES || !isInTheWay(error)) throw error;
            await delay(FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
        }
    }
}

async function runParts(sql: Session, { parts, role, note }: Application): Promise<void> {
    if (role !== null) await sql`set local role ${sql(role)}`;
    for (const part of parts) {
        try {
            await sql.unsafe(part.sql);
        } catch (error) {
            throw failed(part, error);
        }
    }
    if (role !== null) await sql.unsafe('reset role');
    await note();
}

/** A lock timeout, a deadlock, or two databases of one cluster that change the same role at once. */
function isInTheWay(error: unknown): boolean {
    const cause = error instanceof TidingsError ? error.cause : error;
    if (!(cause instanceof postgres.PostgresError)) return false;
    return ['55P03', '40P01'].includes(cause.code) || cause.message === 'tuple concurrently updated';
}

function failed({ name, sql, line }: Part, error: unknown): TidingsError {
    const details = { cause: error };
    if (!(error instanceof postgres.PostgresError)) {
        return new TidingsError('failed', `expected ${name} to apply, got: ${messageOf(error)}`, details);
    }
    const position = Number(error.position ?? 0);
    const at = position > 0 ? `:${line + sql.slice(0, position - 1).split('\n').length - 1}` : '';
    const rest = [error.detail, error.hint, error.where].filter((text) => text).map((text) => `\n  ${text}`);
    const message = `expected ${name}${at} to apply, got: ${error.message} [${error.code}]${rest.join('')}`;
    return new TidingsError('failed', message, details);
}

/**
 * Migrations: plain SQL files in dbmate's format and table, then functions, one a file, re-applied when they changed.
 *
 * A set is a directory of migrations, one of functions and the schema that remembers what was applied: the engine's in
 * schema `tidings`, the example's in `app`. Whoever has dbmate can use it on the same files and table.
 *
 * Invariants: one runner at a time per database (session advisory lock); a migration and the row that says so commit
 * together; nothing is applied while a file is missing, was edited after it was applied, or came in below one applied.
 *
 * Depends on: a direct or session-pooled connection. The user needs CREATE on the database and, for the engine's first
 * migration, CREATEROLE; no superuser.
 */

import { TidingsError } from '../errors.ts';
import { applySet, type OnApplied } from './apply-set.ts';
import { readLedger } from './ledger.ts';
import { ENGINE, readSet, type SetSource } from './migration-set.ts';
import { withConnection, withLock } from './session.ts';
import { type SetStatus, statusOf } from './status.ts';
import { installWorkerSchema } from './worker-schema.ts';

export type { Applied } from './apply-set.ts';
export { ENGINE, EXAMPLE, type SetSource } from './migration-set.ts';
export type { SetStatus } from './status.ts';

/** `seed`: also load a set's seed data where its tables are empty. `onApplied` hears of every file as it is done. */
export type UpOptions = { readonly seed?: boolean; readonly onApplied?: OnApplied };

/**
 * Applies what is pending, set by set, each complete before the next.
 *
 * @throws TidingsError `failed` on a gap, an edited file, a database newer than the files, or a file that fails.
 */
export async function migrateUp(
    databaseUrl: string,
    sources: readonly SetSource[],
    { seed = false, onApplied = () => {} }: UpOptions = {},
): Promise<void> {
    const sets = await Promise.all(sources.map(readSet));
    await withConnection(databaseUrl, (sql) =>
        withLock(sql, async () => {
            for (const set of sets) {
                await applySet(sql, set, { seed, onApplied });
                if (set.schema === ENGINE.schema) await installWorkerSchema(sql, databaseUrl);
            }
        }),
    );
}

/** What is applied, pending or wrong, set by set; changes nothing. */
export async function migrationStatus(
    databaseUrl: string,
    sources: readonly SetSource[],
): Promise<readonly SetStatus[]> {
    const sets = await Promise.all(sources.map(readSet));
    return withConnection(databaseUrl, async (sql) => {
        const statuses: SetStatus[] = [];
        for (const set of sets) statuses.push(statusOf(set, await readLedger(sql, set.schema)));
        return statuses;
    });
}

/**
 * Sees to it that a database has the schemas of this version. Functions may differ: an upgrade is rolled out with servers
 * of both versions running.
 *
 * @throws TidingsError `failed` if a migration is pending, or one was applied that is not ours
 */
export async function expectCurrent(databaseUrl: string, sources: readonly SetSource[]): Promise<void> {
    const statuses = await migrationStatus(databaseUrl, sources);
    const behind = statuses.filter(({ migrations }) => migrations.some(({ state }) => state !== 'applied'));
    if (behind.length === 0) return;
    const names = behind.map(({ set }) => set).join(' and ');
    const message = `expected the schema of ${names} to be that of this version, got another; run: tidings migrate up`;
    throw new TidingsError('failed', message);
}

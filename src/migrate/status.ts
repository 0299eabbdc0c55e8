/** Compares a set's files with what a database remembers: what is pending, what is wrong. Pure. */

import { TidingsError } from '../errors.ts';
import { FUNCTIONS_KEY, type Ledger } from './ledger.ts';
import type { MigrationFile } from './migration-file.ts';
import type { MigrationSet } from './migration-set.ts';

/**
 * `applied` or `pending` are well; `edited` after it was applied; `gap`: not applied, though a newer one is; `missing`:
 * applied, but there is no such file, because the database is newer than the files.
 */
export type MigrationState = 'applied' | 'pending' | 'edited' | 'gap' | 'missing';

/** One migration of a set. */
export type MigrationStatus = {
    readonly version: string;
    readonly name: string | null;
    readonly state: MigrationState;
};

/** A set; `functions` are `pending` when they differ from those applied last. */
export type SetStatus = {
    readonly set: string;
    readonly migrations: readonly MigrationStatus[];
    readonly functions: 'applied' | 'pending';
};

/** Every migration known to the files or the database, by version. */
export function statusOf(set: MigrationSet, ledger: Ledger): SetStatus {
    const known = new Set(set.migrations.map(({ version }) => version));
    const missing = ledger.versions.filter((version) => !known.has(version));
    const migrations: MigrationStatus[] = [
        ...set.migrations.map((file) => ({ version: file.version, name: file.name, state: stateOf(file, ledger) })),
        ...missing.map((version) => ({ version, name: null, state: 'missing' as const })),
    ];
    return {
        set: set.name,
        migrations: migrations.sort((a, b) => (a.version < b.version ? -1 : 1)),
        functions: ledger.hashes.get(FUNCTIONS_KEY) === set.functionsSha256 ? 'applied' : 'pending',
    };
}

/** @throws TidingsError `failed` that names every migration which forbids going on, and what to do. */
export function refuseProblems(status: SetStatus): void {
    const issues = status.migrations.flatMap(({ version, name, state }) => {
        const message = MESSAGES[state];
        return message === null ? [] : [{ path: name ?? version, message }];
    });
    if (issues.length === 0) return;
    const lines = issues.map(({ path, message }) => `  ${path}: ${message}`).join('\n');
    const message = `expected the ${status.set}'s migrations to continue what the database has, got:\n${lines}`;
    throw new TidingsError('failed', message, { issues });
}

const MESSAGES: Readonly<Record<MigrationState, string | null>> = {
    applied: null,
    pending: null,
    edited: 'edited after it was applied; put the file back and write a new migration',
    gap: 'not applied, but a newer one is; give it a number above all that are applied',
    missing: 'applied, but there is no such file; the database is newer than this version of the program',
};

function stateOf(file: MigrationFile, { versions, hashes }: Ledger): MigrationState {
    if (!versions.includes(file.version)) return file.version < (versions.at(-1) ?? '') ? 'gap' : 'pending';
    const applied = hashes.get(file.version);
    return applied === undefined || applied === file.sha256 ? 'applied' : 'edited';
}

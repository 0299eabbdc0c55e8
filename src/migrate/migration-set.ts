/** A set of migrations and functions: where its files are, and what they say. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TidingsError } from '../errors.ts';
import { isMigrationName, type MigrationFile, parseMigration, sha256, withLf } from './migration-file.ts';

/** Where a set's files are: `migrations/`, `functions/` and maybe `seed.sql` in `directory`. */
export type SetSource = {
    readonly name: string;
    readonly directory: string;
    /** Holds `schema_migrations`. */
    readonly schema: string;
    /** Role to apply functions and seed data as; null: whoever migrates, who owns the tables. */
    readonly role: string | null;
    /** The table whose being empty allows the seed, null if there is none. */
    readonly seedTable: string | null;
};

/** One file of `functions/`, or the seed. */
export type SqlFile = { readonly name: string; readonly sql: string };

/** A set that was read; both lists in the order to apply them. */
export type MigrationSet = SetSource & {
    readonly migrations: readonly MigrationFile[];
    readonly functions: readonly SqlFile[];
    /** Digest over all functions. */
    readonly functionsSha256: string;
    readonly seedFile: SqlFile | null;
};

const DATABASE_DIRECTORY = fileURLToPath(new URL('../../db', import.meta.url));

/** Schema `tidings`. */
export const ENGINE: SetSource = {
    name: 'engine',
    directory: DATABASE_DIRECTORY,
    schema: 'tidings',
    role: 'tidings_owner',
    seedTable: null,
};

/** Schema `app`; goes after the engine. */
export const EXAMPLE: SetSource = {
    name: 'example',
    directory: join(DATABASE_DIRECTORY, 'example'),
    schema: 'app',
    role: 'tidings_owner',
    seedTable: 'app.organisations',
};

/**
 * Reads and parses every file of a set.
 *
 * @throws TidingsError `failed` if a migration is malformed or two have one number.
 */
export async function readSet(source: SetSource): Promise<MigrationSet> {
    const migrations = (await readSqlFiles(join(source.directory, 'migrations')))
        .filter(({ name }) => isMigrationName(name))
        .map(({ name, sql }) => parseMigration(name, sql));
    refuseTwins(migrations);
    const functions = await readSqlFiles(join(source.directory, 'functions'));
    const seed = source.seedTable === null ? [] : await readSqlFiles(source.directory);
    return {
        ...source,
        migrations,
        functions,
        functionsSha256: sha256(functions.map(({ name, sql }) => `${name}\0${sql}\0`).join('')),
        seedFile: seed.find(({ name }) => name === 'seed.sql') ?? null,
    };
}

async function readSqlFiles(directory: string): Promise<readonly SqlFile[]> {
    const entries = await readdir(directory).catch(() => []);
    const names = entries.filter((name) => name.endsWith('.sql')).sort();
    return Promise.all(
        names.map(async (name) => ({ name, sql: withLf(await readFile(join(directory, name), 'utf8')) })),
    );
}

function refuseTwins(migrations: readonly MigrationFile[]): void {
    for (const [at, { version, name }] of migrations.entries()) {
        const twin = migrations.slice(0, at).find((other) => other.version === version);
        if (twin) throw new TidingsError('failed', `expected one migration ${version}, got ${twin.name} and ${name}`);
    }
}

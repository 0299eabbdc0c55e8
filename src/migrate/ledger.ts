/**
 * What a database remembers of a set: dbmate's table of versions, and beside it the digests dbmate doesn't keep.
 *
 * `migration_hash` has one row per version and one named `functions`. A version without a digest was applied by dbmate.
 */

import type { Session } from './session.ts';

/** Versions applied, in order, and digests by version (or `functions`). */
export type Ledger = { readonly versions: readonly string[]; readonly hashes: ReadonlyMap<string, string> };

/** Key of the functions' digest. */
export const FUNCTIONS_KEY = 'functions';

/** Makes schema and tables where they are missing; asks first, because `if not exists` wants the privilege anyway. */
export async function makeLedger(sql: Session, schema: string): Promise<void> {
    const versions = sql(`${schema}.schema_migrations`);
    const hashes = sql(`${schema}.migration_hash`);
    const found = await sql`select from pg_catalog.pg_namespace where nspname = ${schema}`;
    if (found.length === 0) await sql`create schema ${sql(schema)}`;
    if (!(await exists(sql, schema, 'schema_migrations'))) {
        await sql`create table ${versions} (version varchar primary key)`;
    }
    if (!(await exists(sql, schema, 'migration_hash'))) {
        await sql`create table ${hashes} (name varchar primary key, sha256 text not null, at timestamptz not null default now())`;
    }
}

/** What was applied; nothing where the tables aren't there yet. */
export async function readLedger(sql: Session, schema: string): Promise<Ledger> {
    const versions = (await exists(sql, schema, 'schema_migrations'))
        ? await sql<{ version: string }[]>`select version from ${sql(`${schema}.schema_migrations`)}`
        : [];
    const hashes = (await exists(sql, schema, 'migration_hash'))
        ? await sql<{ name: string; sha256: string }[]>`select name, sha256 from ${sql(`${schema}.migration_hash`)}`
        : [];
    return {
        versions: versions.map(({ version }) => version).sort(),
        hashes: new Map(hashes.map(({ name, sha256 }) => [name, sha256])),
    };
}

/** Notes a version as applied, as dbmate does. */
export async function noteVersion(sql: Session, schema: string, version: string): Promise<void> {
    await sql`insert into ${sql(`${schema}.schema_migrations`)} (version) values (${version})`;
}

/** Notes a digest; the newest counts. */
export async function noteHash(sql: Session, schema: string, name: string, sha256: string): Promise<void> {
    await sql`
        insert into ${sql(`${schema}.migration_hash`)} (name, sha256) values (${name}, ${sha256})
        on conflict (name) do update set sha256 = excluded.sha256, at = now()`;
}

async function exists(sql: Session, schema: string, table: string): Promise<boolean> {
    const found = await sql`
        select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ${schema} and c.relname = ${table} and c.relkind = 'r'`;
    return found.length > 0;
}

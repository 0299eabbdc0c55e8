import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrateUp, migrationStatus } from '../../src/migrate/index.ts';
import { type MigrationSet, readSet } from '../../src/migrate/migration-set.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { temporarySet } from './temporary-set.ts';

let database: TestDatabase;
beforeEach(async () => {
    database = await openDatabase({ empty: true });
});
afterEach(() => database.close());

async function tables(): Promise<readonly string[]> {
    const rows = await database.sql<{ name: string }[]>`
        select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'r' order by 1`;
    return rows.map(({ name }) => name);
}

async function versions(): Promise<readonly string[]> {
    const rows = await database.sql<{ version: string }[]>`select version from sample.schema_migrations order by 1`;
    return rows.map(({ version }) => version);
}

describe('up', () => {
    test('applies what is pending in order and notes it as dbmate does', async () => {
        const set = temporarySet();
        set.migration('0002_b.sql', 'alter table a add b int;');
        set.migration('0001_a.sql', 'create table a ();\ncreate table c ();');
        const applied: string[] = [];
        await migrateUp(database.url, [set], { onApplied: ({ name }) => applied.push(name) });
        expect(applied).toEqual(['0001_a.sql', '0002_b.sql']);
        expect(await tables()).toEqual(['a', 'c']);
        expect(await versions()).toEqual(['0001', '0002']);
        const columns = await database.sql`
            select column_name, data_type, is_nullable from information_schema.columns
            where table_schema = 'sample' and table_name = 'schema_migrations'`;
        expect(columns).toEqual([{ column_name: 'version', data_type: 'character varying', is_nullable: 'NO' }]);
    });

    test('does nothing the second time', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        set.write('functions/f.sql', 'create or replace function public.f() returns int language sql return 1;');
        await migrateUp(database.url, [set]);
        const applied: string[] = [];
        await migrateUp(database.url, [set], { onApplied: ({ name }) => applied.push(name) });
        expect(applied).toEqual([]);
    });

    test('leaves nothing of a migration that fails, keeps those before it, and names file and line', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        set.migration('0002_b.sql', 'create table b ();\n\nalter table nowhere add c int;');
        set.migration('0003_c.sql', 'create table c ();');
        await expect(migrateUp(database.url, [set])).rejects.toMatchObject({ code: 'failed' });
        await expect(migrateUp(database.url, [set])).rejects.toThrow(
            'expected 0002_b.sql to apply, got: relation "nowhere" does not exist [42P01]',
        );
        expect(await tables()).toEqual(['a']);
        expect(await versions()).toEqual(['0001']);
        set.migration('0002_b.sql', 'create table b ();\n\nselect nonsense;');
        await expect(migrateUp(database.url, [set])).rejects.toThrow('expected 0002_b.sql:4 to apply, got: column');
    });

    test('runs a transaction:false file outside a transaction', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a (b int);');
        set.migration('0002_b.sql', 'create index concurrently a_b on a (b);', ' transaction:false');
        await migrateUp(database.url, [set]);
        expect(await database.sql`select indexname from pg_indexes where indexname = 'a_b'`).toHaveLength(1);
        expect(await versions()).toEqual(['0001', '0002']);
    });

    test('takes a checkout with CRLF for the files that were applied', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        await migrateUp(database.url, [set]);
        set.write('migrations/0001_a.sql', '-- migrate:up\r\ncreate table a ();\r\n\r\n-- migrate:down\r\n');
        await migrateUp(database.url, [set]);
    });

    test('lets two runners at once apply everything once', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a (); select pg_sleep(0.2);');
        set.migration('0002_b.sql', 'create table b ();');
        const applied: string[] = [];
        const run = () => migrateUp(database.url, [set], { onApplied: ({ name }) => applied.push(name) });
        await Promise.all([run(), run(), run()]);
        expect(applied.sort()).toEqual(['0001_a.sql', '0002_b.sql']);
    });

    test('steps back from a lock it does not get and gets it later', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        await migrateUp(database.url, [set]);
        set.migration('0002_b.sql', 'alter table a add b int;');
        const holder = await database.sql.reserve();
        await holder`begin`;
        await holder`lock table a in access share mode`;
        const up = migrateUp(database.url, [set]);
        // Our wait ends after three seconds, once: then whoever waited behind it gets on, and so do we.
        await seen(`wait_event_type = 'Lock' and application_name = 'tidings migrate'`);
        await seen(`state = 'idle' and query = 'rollback' and application_name = 'tidings migrate'`);
        await holder`commit`;
        holder.release();
        await up;
        expect(await versions()).toEqual(['0001', '0002']);
    });
});

describe('refuses', () => {
    test('an edited file', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        await migrateUp(database.url, [set]);
        set.migration('0001_a.sql', 'create table a (b int);');
        set.migration('0002_b.sql', 'create table b ();');
        await expect(migrateUp(database.url, [set])).rejects.toThrow(
            "expected the sample's migrations to continue what the database has, got:\n" +
                '  0001_a.sql: edited after it was applied; put the file back and write a new migration',
        );
        expect(await tables()).toEqual(['a']);
    });

    test('a gap', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        set.migration('0003_c.sql', 'create table c ();');
        await migrateUp(database.url, [set]);
        set.migration('0002_b.sql', 'create table b ();');
        await expect(migrateUp(database.url, [set])).rejects.toThrow(
            '0002_b.sql: not applied, but a newer one is; give it a number above all that are applied',
        );
    });

    test('a database newer than the files', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        set.migration('0002_b.sql', 'create table b ();');
        await migrateUp(database.url, [set]);
        set.remove('migrations/0002_b.sql');
        await expect(migrateUp(database.url, [set])).rejects.toThrow(
            '0002: applied, but there is no such file; the database is newer than this version of the program',
        );
    });

    test('two files of one number', async () => {
        const set = temporarySet();
        set.migration('0001_a.sql', 'create table a ();');
        set.migration('0001_b.sql', 'create table b ();');
        await expect(migrateUp(database.url, [set])).rejects.toThrow(
            'expected one migration 0001, got 0001_a.sql and 0001_b.sql',
        );
    });
});

describe('functions', () => {
    test('are replaced when one changed, all in one transaction, in any order', async () => {
        const set = temporarySet();
        set.write('functions/a.sql', "create or replace function public.a() returns int language sql as 'select b()';");
        set.write('functions/b.sql', 'create or replace function public.b() returns int language sql return 1;');
        await migrateUp(database.url, [set]);
        expect(await database.sql`select a()`).toEqual([{ a: 1 }]);
        set.write(
            'functions/a.sql',
            "create or replace function public.a() returns int language sql as 'select b() + 1';",
        );
        set.write('functions/b.sql', 'create or replace function public.b() returns text language sql return 1;');
        await expect(migrateUp(database.url, [set])).rejects.toThrow('cannot change return type of existing function');
        expect(await database.sql`select a()`).toEqual([{ a: 1 }]);
        set.write('functions/b.sql', 'create or replace function public.b() returns int language sql return 3;');
        await migrateUp(database.url, [set]);
        expect(await database.sql`select a()`).toEqual([{ a: 4 }]);
    });

    test('belong to the role of their set', async () => {
        const role = `${database.name}_owner`;
        const set = temporarySet({ role });
        set.migration('0001_role.sql', `create role ${role}; grant create on schema public to ${role};`);
        set.write('functions/f.sql', 'create or replace function public.f() returns int language sql return 1;');
        await migrateUp(database.url, [set]);
        const [owner] = await database.sql`select pg_get_userbyid(proowner) as name from pg_proc where proname = 'f'`;
        expect(owner).toEqual({ name: role });
        await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    });
});

test('seed data goes into empty tables only, and only when asked for', async () => {
    const set = temporarySet({ seedTable: 'public.a' });
    set.migration('0001_a.sql', 'create table a (b int);');
    set.write('seed.sql', 'insert into a values (1), (2);');
    const count = async () => (await database.sql`select from a`).length;
    await migrateUp(database.url, [set]);
    expect(await count()).toBe(0);
    await migrateUp(database.url, [set], { seed: true });
    await migrateUp(database.url, [set], { seed: true });
    expect(await count()).toBe(2);
});

test('status tells applied, pending, edited, gap and missing, and changes nothing', async () => {
    const set = temporarySet();
    const states = async () => (await migrationStatus(database.url, [set]))[0]?.migrations.map(({ state }) => state);
    set.migration('0001_a.sql', 'create table a ();');
    set.migration('0003_c.sql', 'create table c ();');
    set.migration('0004_d.sql', 'create table d ();');
    expect(await states()).toEqual(['pending', 'pending', 'pending']);
    expect(await database.sql`select from pg_namespace where nspname = 'sample'`).toHaveLength(0);

    await migrateUp(database.url, [set]);
    set.migration('0001_a.sql', 'create table a (b int);');
    set.migration('0002_b.sql', 'create table b ();');
    set.remove('migrations/0004_d.sql');
    set.migration('0005_e.sql', 'create table e ();');
    expect(await states()).toEqual(['edited', 'gap', 'applied', 'missing', 'pending']);
});

test('goes on where dbmate was, whose versions have no digest, and takes the files for what it applied', async () => {
    const set = temporarySet();
    set.migration('0001_a.sql', 'create table a ();');
    set.migration('0002_b.sql', 'create table b ();');
    await database.sql.unsafe(`
        create schema sample;
        create table sample.schema_migrations (version varchar primary key);
        create table a ();
        insert into sample.schema_migrations values ('0001');`);
    await migrateUp(database.url, [set]);
    expect(await tables()).toEqual(['a', 'b']);
    set.migration('0001_a.sql', 'create table a (edited int);');
    await expect(migrateUp(database.url, [set])).rejects.toThrow('0001_a.sql: edited after it was applied');
});

test('reads no set where there is none', async () => {
    const empty: MigrationSet = await readSet(temporarySet());
    expect([empty.migrations, empty.functions, empty.seedFile]).toEqual([[], [], null]);
});

/** Waits until a session of this database is as the condition says; polls, with a deadline. */
async function seen(condition: string): Promise<void> {
    const query = `select from pg_stat_activity where datname = current_database() and ${condition}`;
    await expect.poll(() => database.sql.unsafe(query), { timeout: 10_000, interval: 20 }).toHaveLength(1);
}

/** Declaring and ending a tracking: who may, what is refused and how, and that saying it twice changes nothing. */

import type { Sql } from 'postgres';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;
let owner: string;
let stranger: string;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    owner = `${database.name}_owner`;
    stranger = `${database.name}_stranger`;
    await sql.unsafe(`
        create role ${owner}; create role ${stranger}; grant tidings_dba to ${owner}, ${stranger};
        create schema app; grant usage, create on schema app to ${owner}, ${stranger};
        create table app.t (id int primary key, project int, v int);
        create table app.keyless (id int, project int);
        create view app.v as select * from app.t;
        set role ${owner}; create table app.owned (id int primary key); reset role`);
});

afterAll(async () => {
    await sql.unsafe(`drop owned by ${owner}, ${stranger} cascade; drop role ${owner}; drop role ${stranger}`);
    await database.close();
});

/** Runs statements as a role, on a connection of their own. */
async function as(role: string, statements: string): Promise<unknown> {
    const one = postgres(database.url, { max: 1, onnotice: () => {} });
    try {
        return await one.unsafe(`set role ${role}; ${statements}`);
    } finally {
        await one.end();
    }
}

const functionsOf = async (table: string) => [
    ...(await sql`select t.tgname, t.oid, t.tgfoid from pg_trigger t where t.tgrelid = ${table}::regclass and not t.tgisinternal order by 1`),
];

describe('track', () => {
    test('says again does nothing, says otherwise replaces', async () => {
        const track = (more: string) =>
            sql.unsafe(`select tidings.track('app.t', entity => 't', topic => $$'project:' || r.project$$ ${more})`);
        await track('');
        const first = await functionsOf('app.t');
        expect(first.map((trigger) => trigger['tgname'])).toEqual([
            'tidings_t_delete',
            'tidings_t_insert',
            'tidings_t_truncate',
            'tidings_t_update',
        ]);
        await track('');
        expect(await functionsOf('app.t')).toEqual(first);
        await track(`, ops => '{insert}'`);
        expect((await functionsOf('app.t')).map((trigger) => trigger['tgname'])).toEqual([
            'tidings_t_insert',
            'tidings_t_truncate',
        ]);
        expect(
            await sql`select count(*)::int as n from pg_proc where pronamespace = 'tidings_capture'::regnamespace`,
        ).toEqual([{ n: 2 }]);
    });

    test('several names stand side by side, and are listed', async () => {
        await sql.unsafe(`
            select tidings.track('app.t', entity => 't', topic => $$'project:' || r.project$$);
            select tidings.track('app.t', entity => 'u', name => 'other', topic => $$'user:' || r.v$$, ops => '{insert}')`);
        expect(
            await sql`select table_name::text, name, entity, declaration ->> 'topic' as topic, triggers, disabled from tidings.tracked order by name`,
        ).toEqual([
            { table_name: 'app.t', name: 'other', entity: 'u', topic: `["'user:' || r.v"]`, triggers: 2, disabled: 0 },
            {
                table_name: 'app.t',
                name: 't',
                entity: 't',
                topic: `["'project:' || r.project"]`,
                triggers: 4,
                disabled: 0,
            },
        ]);
        expect((await appended(sql, `insert into app.t values (1, 7, 5)`)).map((e) => `${e.topic} ${e.event}`)).toEqual(
            ['user:5 u.created', 'project:7 t.created'],
        );
    });

    test('is open to an owner who is no superuser, and runs as that owner', async () => {
        await as(owner, `select tidings.track('app.owned', entity => 'owned', topic => $$'who:' || current_user$$)`);
        expect(await appended(sql, `insert into app.owned values (1)`)).toEqual([
            { topic: `who:${owner}`, event: 'owned.created', data: { id: 1 } },
        ]);
    });

    test('follows the table to another owner when said again', async () => {
        await sql.unsafe(`
            create table app.sold (id int primary key);
            select tidings.track('app.sold', entity => 'sold', topic => $$'who:' || current_user$$);
            alter table app.sold owner to ${owner};
            select tidings.track('app.sold', entity => 'sold', topic => $$'who:' || current_user$$)`);
        expect((await appended(sql, `insert into app.sold values (1)`)).map((event) => event.topic)).toEqual([
            `who:${owner}`,
        ]);
    });

    test('is for the owner only', async () => {
        await expect(as(stranger, `select tidings.track('app.owned', topic => $$'a:1'$$)`)).rejects.toMatchObject({
            code: '42501',
            message: 'expected you to own app.owned, which is needed to track it',
        });
        await expect(as(stranger, `select tidings.untrack('app.owned')`)).rejects.toMatchObject({
            code: '42501',
            message: 'expected you to own app.owned, which is needed to untrack it',
        });
    });

    test('refuses a table whose owner could not write to the log', async () => {
        const plain = `${database.name}_plain`;
        await sql.unsafe(`
            create role ${plain}; grant usage, create on schema app to ${plain};
            create table app.plain (id int primary key); alter table app.plain owner to ${plain}`);
        await expect(sql.unsafe(`select tidings.track('app.plain', topic => $$'a:1'$$)`)).rejects.toMatchObject({
            code: '42501',
            message: `expected the owner of app.plain, ${plain}, to be a member of tidings_dba`,
        });
        await sql.unsafe(`drop owned by ${plain} cascade; drop role ${plain}`);
    });

    const GOOD = `topic => $$'project:' || r.project$$`;
    test.each([
        ['a view', `'app.v', ${GOOD}`, '42809', 'expected app.v to be a table, got a relation of kind v'],
        ['no primary key', `'app.keyless', ${GOOD}`, '42P16', 'expected app.keyless to have a primary key'],
        [
            'no topic',
            `'app.t', topic => null::text`,
            '22023',
            `expected topic to be an SQL expression such as $$'project:' || r.project_id$$, got null`,
        ],
        [
            'a malformed name',
            `'app.t', ${GOOD}, name => 'Big'`,
            '22023',
            `expected name to match [a-z][a-z0-9_]{0,31}, got 'Big'`,
        ],
        [
            'a malformed entity',
            `'app.t', ${GOOD}, entity => 'a.b', name => 'a'`,
            '22023',
            `expected entity to match [a-z][a-z0-9_]{0,63}, got 'a.b'`,
        ],
        [
            'the entity of the engine',
            `'app.t', ${GOOD}, entity => 'tidings'`,
            '22023',
            `expected entity to match [a-z][a-z0-9_]{0,63}, got 'tidings'`,
        ],
        [
            'an unknown op',
            `'app.t', ${GOOD}, ops => '{upsert}'`,
            '22023',
            'expected ops to be some of insert, update and delete, got {UPSERT}',
        ],
        [
            'no op',
            `'app.t', ${GOOD}, ops => '{}'`,
            '22023',
            'expected ops to be some of insert, update and delete, got {}',
        ],
        [
            'unknown columns',
            `'app.t', ${GOOD}, ignore => '{nope}', redact => '{nix}'`,
            '42703',
            `expected columns, ignore and redact to name columns of app.t, got 'nix', 'nope'`,
        ],
        [
            'a topic of an unknown column',
            `'app.t', topic => $$'a:' || r.nope$$`,
            '42703',
            'record "r" has no field "nope"',
        ],
        [
            'a topic of another type',
            `'app.t', topic => $$7$$`,
            '42883',
            'function tidings.as_topics(integer) does not exist',
        ],
        ['an event that is no SQL', `'app.t', ${GOOD}, event => $$'a' ||$$`, '42601', 'syntax error at or near ")"'],
        ['data that is no JSON', `'app.t', ${GOOD}, data => $$'text'$$`, '22P02', 'invalid input syntax for type json'],
    ])('refuses %s', async (_, args, code, message) => {
        await expect(sql.unsafe(`select tidings.track(${args})`)).rejects.toMatchObject({ code, message });
    });

    test('takes a table without primary key for inserts and deletes with data of its own', async () => {
        await sql.unsafe(`select tidings.track('app.keyless', entity => 'keyless', topic => $$'project:' || r.project$$,
            ops => '{insert,delete}', data => $$jsonb_build_object('id', r.id)$$)`);
        expect(await appended(sql, `insert into app.keyless values (1, 7); delete from app.keyless`)).toEqual([
            { topic: 'project:7', event: 'keyless.created', data: { id: 1 } },
            { topic: 'project:7', event: 'keyless.deleted', data: { id: 1 } },
        ]);
    });
});

describe('untrack', () => {
    test('ends one by name, or all, and leaves nothing behind', async () => {
        await sql.unsafe(`
            create table app.u (id int primary key);
            select tidings.track('app.u', entity => 'a', topic => $$'a:1'$$), tidings.track('app.u', entity => 'b', topic => $$'b:1'$$),
                tidings.track('app.u', entity => 'c', topic => $$'c:1'$$)`);
        const ended = async (args: string) => (await sql.unsafe(`select tidings.untrack(${args}) as n`))[0]?.['n'];
        expect(await ended(`'app.u', name => 'b'`)).toBe(1);
        expect((await appended(sql, `insert into app.u values (1)`)).map((event) => event.event)).toEqual([
            'a.created',
            'c.created',
        ]);
        expect(await ended(`'app.u', name => 'b'`)).toBe(0);
        expect(await ended(`'app.u'`)).toBe(2);
        expect(await appended(sql, `insert into app.u values (2)`)).toEqual([]);
        expect(await functionsOf('app.u')).toEqual([]);
        expect(
            await sql`select proname from pg_proc where pronamespace = 'tidings_capture'::regnamespace and proname like 'u\_%'`,
        ).toEqual([]);
    });

    test('is not in the way of dropping the table', async () => {
        await sql.unsafe(`
            create table app.gone (id int primary key);
            select tidings.track('app.gone', entity => 'gone', topic => $$'a:1'$$);
            drop table app.gone`);
        expect(await sql`select from tidings.tracked where name = 'gone'`).toEqual([]);
    });
});

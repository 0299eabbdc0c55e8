/** What each role of the engine may do beyond calling what it is granted (see test/db/grants.test.ts): nothing. Tried, not only looked up. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
});

afterAll(() => database.close());

/** One statement as a role, undone. */
function as(role: string, statement: string): Promise<unknown> {
    const undo = new Error('undone');
    return sql
        .begin(async (tx) => {
            await tx.unsafe(`set local session authorization ${role}`);
            await tx.unsafe(statement);
            throw undo;
        })
        .catch((error: unknown) => {
            if (error !== undo) throw error;
        });
}

const REFUSED = { code: '42501' };

const ROLES = ['tidings_server', 'tidings_reader', 'tidings_dba'] as const;

/** Of the engine itself, by whatever role it runs. */
const NOBODY = [
    'alter table tidings.event add column x int',
    'create trigger t after insert on tidings.event for each statement execute function tidings.ring()',
    'create table tidings.mine ()',
    'create function tidings.mine() returns int language sql return 1',
    `create or replace function tidings.is_id(id text) returns boolean language sql return true`,
    'drop function tidings.append(text[], text[], jsonb[])',
    'drop table tidings.event',
    'truncate tidings.event',
    `insert into tidings.event (topic, event, data) values ('project:17', 'task.created', '{}')`,
    `update tidings.event set data = '{}'`,
    'delete from tidings.stream',
    'update tidings.run set gseq = 0',
    `insert into tidings.topic_kinds values ('project', 'public.all(text, text)', 'text')`,
    `update tidings.setting set value = '"app.users"'`,
    `insert into tidings.notification (user_id, type, event_id) values ('42', 'a.b', 1)`,
    'update tidings.notification set user_id = user_id',
    `insert into tidings.secret values ('cursor', 'x')`,
    'lock table tidings.runner in exclusive mode',
    'lock table tidings.event in access exclusive mode',
    `select nextval('tidings.event_id')`,
    `select setval('tidings.horizon', 9999999999)`,
    `select nextval('tidings.capture_lost')`,
    'select tidings.ring()',
    `select tidings.append_reserved('tidings:control', 'tidings.disconnect', '{"user":"42"}')`,
    `select tidings.pseudonym('42')`,
    'select tidings.place_marks()',
    'set role tidings_owner',
    'select rolpassword from pg_authid',
    `select pg_read_file('postgresql.conf')`,
    `copy (select 1) to program 'true'`,
    'create schema mine',
    'create table public.mine ()',
];

describe.each(ROLES)('%s', (role) => {
    test.each(NOBODY)('may not: %s', async (statement) => {
        await expect(as(role, statement)).rejects.toMatchObject(REFUSED);
    });
});

const DECLARING = [
    `select tidings.track('app.tasks', topic => $$'project:17'$$)`,
    `select tidings.untrack('app.tasks')`,
    `select tidings.topic_kind('project', 'app.can_read_project(text, uuid)')`,
    `select tidings.people('app.people')`,
    `select tidings.notification_type('a.b', title => 'A')`,
    `select tidings.notification_rule('app.tasks', name => 'n', type => 'task.assigned', users => 'array[r.id]')`,
    `select tidings.remove_notification_rule('app.tasks')`,
    `select tidings.new_epoch()`,
    'create function tidings_capture.mine() returns int language sql return 1',
];

test.each(DECLARING)('tidings_server and tidings_reader declare nothing: %s', async (statement) => {
    await expect(as('tidings_server', statement)).rejects.toMatchObject(REFUSED);
    await expect(as('tidings_reader', statement)).rejects.toMatchObject(REFUSED);
});

describe('tidings_server', () => {
    test.each([
        `insert into app.organisations (name) values ('Mine')`,
        `update app.users set organisation_role = 'admin'`,
        'delete from app.users',
        'truncate app.tasks',
        'alter table app.tasks disable trigger all',
        'create function app.mine() returns int language sql return 1',
        `create or replace function app.can_read_project(user_id text, project_id uuid) returns boolean language sql return true`,
    ])('may not: %s', async (statement) => {
        await expect(as('tidings_server', statement)).rejects.toMatchObject(REFUSED);
    });

    test.each(['select from app.users', 'select from tidings.secret', 'select from tidings.event'])(
        'may, as it serves everyone: %s',
        async (statement) => {
            await as('tidings_server', statement);
        },
    );
});

describe('tidings_reader and tidings_dba', () => {
    test.each(['app.users', 'app.tasks', 'app.people', 'tidings.secret', 'tidings.idempotency', 'tidings.rate_limit'])(
        'may not read %s',
        async (table) => {
            await expect(as('tidings_reader', `select from ${table}`)).rejects.toMatchObject(REFUSED);
            await expect(as('tidings_dba', `select from ${table}`)).rejects.toMatchObject(REFUSED);
        },
    );

    test.each([
        `select tidings.emit('project:17', 'a.b')`,
        `select tidings.access_changed('42')`,
        `select tidings.disconnect('42')`,
        `select tidings.forget('42')`,
        `select tidings.suppress('a@b.example', 'x')`,
        `select tidings.send_notification('{42}', 'a.b')`,
        `select tidings.sequence()`,
        `select tidings.stay_awake()`,
        `select tidings.mark_all_read('42', null)`,
        `select from tidings.notification`,
        `select from tidings.preference`,
    ])('the reader may not: %s', async (statement) => {
        await expect(as('tidings_reader', statement)).rejects.toMatchObject(REFUSED);
    });
});

test('the right to create is tidings_dba’s alone, where captured functions live', async () => {
    const rows = await sql`
        select r.rolname as role, n.nspname as schema
        from pg_roles r cross join pg_namespace n
        where r.rolname = any (${[...ROLES]}) and has_schema_privilege(r.oid, n.oid, 'create')`;
    expect(rows).toEqual([{ role: 'tidings_dba', schema: 'tidings_capture' }]);
});

test('no sequence, no column and no future object is granted to anyone', async () => {
    expect(
        await sql`
            select c.relname as name from pg_class c
            where c.relnamespace in ('tidings'::regnamespace, 'app'::regnamespace) and c.relkind = 'S' and c.relacl is not null
            union all
            select a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace in ('tidings'::regnamespace, 'app'::regnamespace) and a.attacl is not null
            union all
            select d.defaclobjtype::text from pg_default_acl d`,
    ).toEqual([]);
});

test('no partition has grants of its own, nor is a partition anybody’s but the engine’s', async () => {
    expect(
        await sql`
            select c.relname from pg_class c
            where c.relnamespace = 'tidings'::regnamespace and c.relispartition and c.relkind = 'r'
                and (c.relacl is not null or c.relowner <> 'tidings_owner'::regrole)`,
    ).toEqual([]);
});

test('names are looked up when a function is made, or by a pinned search path: also in functions that are not definer', async () => {
    const rows = await sql`
        select p.oid::regprocedure::text as name from pg_proc p
        where p.pronamespace in ('tidings'::regnamespace, 'app'::regnamespace) and p.prosqlbody is null
            and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
        order by 1`;
    // Inlined, which a pinned path would forbid. Whoever calls them has one: track-security and definers.test plant in their way.
    expect(rows.map(({ name }) => name)).toEqual([
        'tidings."position"(text)',
        'tidings.as_json(bigint)',
        'tidings.as_json(jsonb)',
        'tidings.as_json(numeric)',
        'tidings.as_json(text)',
        'tidings.as_json(timestamp with time zone)',
        'tidings.as_json(timestamp with time zone[])',
        'tidings.shorten(jsonb)',
    ]);
});

test('the functions of the example’s triggers are definer with a pinned path, the engine’s, and nobody’s to call', async () => {
    const rows = await sql`
        select p.oid::regprocedure::text as name from pg_proc p
        where p.pronamespace = 'app'::regnamespace
            and (has_function_privilege('public', p.oid, 'execute')
                or p.proowner <> 'tidings_owner'::regrole
                or not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
                or p.prorettype = 'trigger'::regtype and has_function_privilege('tidings_server', p.oid, 'execute'))`;
    expect(rows).toEqual([]);
});

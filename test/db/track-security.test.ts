/** A writer needs no right on the engine, gets none by writing, and can't make captured code run anything of theirs. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;
/** A session of a role that may write the table and nothing else. */
let writer: Sql;
let role: string;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    role = `${database.name}_writer`;
    await sql.unsafe(`
        create role ${role}; create schema app; grant usage on schema app to ${role};
        create table app.doc (id int primary key, project int, title text, at timestamptz default '2026-01-01 00:00+00');
        grant select, insert, update, delete, truncate on app.doc to ${role};
        grant create on schema public to ${role};
        grant temporary on database ${database.name} to ${role};
        select tidings.track('app.doc', entity => 'doc', topic => $$'project:' || r.project$$)`);
});

afterAll(async () => {
    await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await database.close();
});

async function asWriter<T>(work: () => Promise<T>): Promise<T> {
    writer = postgres(database.url, { max: 1, onnotice: () => {} });
    try {
        await writer.unsafe(`set role ${role}`);
        return await work();
    } finally {
        await writer.end();
    }
}

describe('a writer', () => {
    test('makes events of every operation', async () => {
        const events = await appended(sql, () =>
            asWriter(() =>
                writer.unsafe(`
                    insert into app.doc values (1, 7, 'a'); update app.doc set title = 'b'; delete from app.doc; truncate app.doc`),
            ),
        );
        expect(events.map(({ topic, event }) => `${topic} ${event}`)).toEqual([
            'project:7 doc.created',
            'project:7 doc.updated',
            'project:7 doc.deleted',
            'tidings:control tidings.floor',
        ]);
    });

    test.each([
        'select * from tidings.event',
        'select * from tidings.capture_error',
        `insert into tidings.event (topic, event, data) values ('project:7', 'doc.made', '{}')`,
        `select tidings.append('{project:7}', '{doc.made}', array['{}'::jsonb])`,
        `select tidings.emit('project:7', 'doc.made')`,
        `select tidings.access_changed('42')`,
        `select nextval('tidings.event_id')`,
        `select tidings.sequence()`,
        `do $$ begin lock table tidings.runner in exclusive mode; end $$`,
        `create function tidings_capture.mine() returns int language sql return 1`,
    ])('may not %s', async (statement) => {
        await expect(asWriter(() => writer.unsafe(statement))).rejects.toMatchObject({ code: '42501' });
    });

    test('may not put a captured function on a table of its own', async () => {
        const [{ name } = { name: '' }] = await sql<{ name: string }[]>`
            select p.oid::regprocedure::text as name from pg_proc p
            where p.pronamespace = 'tidings_capture'::regnamespace and p.proname like '%insert%'`;
        await expect(
            asWriter(() =>
                writer.unsafe(`
                    create temp table mine (id int, project int, title text, at timestamptz);
                    create trigger t after insert on mine referencing new table as "tidings$new" for each statement execute function ${name}`),
            ),
        ).rejects.toMatchObject({ code: '42501' });
    });
});

/** Says who runs it, in a table only the planter reads. */
const SPY = `
    create temp table stolen (who text);
    grant all on stolen to public;
    create function pg_temp.steal() returns boolean language plpgsql as $$
    begin insert into pg_temp.stolen values (current_user); return true; end $$;
    grant execute on function pg_temp.steal() to public;`;

describe('what a writer planted is not run', () => {
    test.each([
        [
            'types in pg_temp',
            `create domain pg_temp.text as pg_catalog.text check (pg_temp.steal());
             create domain pg_temp.jsonb as pg_catalog.jsonb check (pg_temp.steal());
             create domain pg_temp.regclass as pg_catalog.regclass check (pg_temp.steal());
             create domain pg_temp.xid8 as pg_catalog.xid8 check (pg_temp.steal())`,
        ],
        [
            'tables in pg_temp',
            `create view pg_temp.pg_class as select *, pg_temp.steal() as s from pg_catalog.pg_class;
             create view pg_temp.event as select pg_temp.steal() as s;
             create view pg_temp.horizon as select pg_temp.steal() as s; create view pg_temp.run as select pg_temp.steal() as s;
             create temp table "tidings$new" (id int); create temp table "tidings$old" (id int)`,
        ],
        [
            'functions in public',
            `create function public.clock_timestamp() returns timestamptz language plpgsql as $$ begin perform pg_temp.steal(); return now(); end $$;
             create function public.to_jsonb(int) returns jsonb language plpgsql as $$ begin perform pg_temp.steal(); return '1'; end $$;
             create function public.current_setting(text, boolean) returns text language plpgsql as $$ begin perform pg_temp.steal(); return 'x'; end $$;
             create function public.jsonb_build_object(text, jsonb) returns jsonb language plpgsql as $$ begin perform pg_temp.steal(); return '{}'; end $$`,
        ],
        [
            'operators in public',
            `create function public.spy(a text, b int) returns text language plpgsql as $$ begin perform pg_temp.steal(); return a || b::text; end $$;
             create operator public.|| (leftarg = text, rightarg = int, function = public.spy);
             create function public.same(a int, b int) returns boolean language plpgsql as $$ begin perform pg_temp.steal(); return true; end $$;
             create operator public.= (leftarg = int, rightarg = int, function = public.same)`,
        ],
    ])('%s', async (_, planted) => {
        const stolen = await asWriter(async () => {
            await writer.unsafe(SPY);
            await writer.unsafe(planted);
            await writer.unsafe(`set search_path = public, pg_catalog, app`);
            await writer.unsafe(`
                insert into app.doc (id, project, title) values (1, 7, repeat('x', 9000));
                update app.doc set title = 'b', project = 8; delete from app.doc; truncate app.doc`);
            // What the writer's own statements ran was run as the writer.
            return writer.unsafe(`select distinct who from pg_temp.stolen where who operator(pg_catalog.<>) '${role}'`);
        });
        expect(stolen).toEqual([]);
        expect(await sql`select message from tidings.capture_error`).toEqual([]);
    });
});

test("every definer function has a search path that ends in pg_temp, is owned by the engine or the table, and is nobody's by default", async () => {
    expect(
        await sql`
            select p.oid::regprocedure::text as name, p.proconfig, p.proowner::regrole::text as owner, p.proacl::text as acl
            from pg_proc p
            where p.pronamespace in ('tidings'::regnamespace, 'tidings_capture'::regnamespace) and p.prosecdef
                and (
                    not 'search_path=pg_catalog, pg_temp' = any (p.proconfig)
                    or p.pronamespace = 'tidings'::regnamespace and p.proowner <> 'tidings_owner'::regrole
                    or has_function_privilege('public', p.oid, 'execute')
                )`,
    ).toEqual([]);
    expect(
        await sql`select rolname from pg_roles where rolname like 'tidings\_%' and (rolcanlogin or rolsuper or rolcreaterole)
        and rolname in ('tidings_owner', 'tidings_dba', 'tidings_server', 'tidings_reader')`,
    ).toEqual([]);
});

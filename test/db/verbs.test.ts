/** The verbs that make events without a table write, and those that declare. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create function app.by_uuid(who text, id uuid) returns boolean language sql return true;
        create function app.by_text(who text, id text) returns boolean language sql return true;
        create function app.by_date(who text, id date) returns boolean language sql return true;
        create function app.by_one(who text) returns boolean language sql return true;
        create function app.to_int(who text, id text) returns int language sql return 1;
        create function app.to_many(who text, id text) returns setof boolean language sql as 'select true';
        grant usage on schema app to tidings_server`);
});

afterAll(() => database.close());

const IDS = '1 to 128 of A-Z a-z 0-9 _ . @ | : + -';

describe('emit', () => {
    test('appends an event and gives its id', async () => {
        let id: unknown;
        const events = await appended(sql, async () => {
            [{ id } = { id: null }] = await sql`select tidings.emit('project:17', 'sprint.closed', '{"sprint": 7}')`;
            [{ id } = { id: null }] = await sql`select max(id) as id from tidings.event`;
        });
        expect(events).toEqual([{ topic: 'project:17', event: 'sprint.closed', data: { sprint: 7 } }]);
        expect(await sql`select tidings.emit('project:17', 'x')::int - ${Number(id)}::int as more`).toEqual([
            { more: 1 },
        ]);
    });

    test('does nothing the second time a key is used, and gives null', async () => {
        const emit = () => sql`select tidings.emit('project:17', 'sprint.closed', dedupe_key => 'k1') is null as again`;
        expect(await appended(sql, async () => expect(await emit()).toEqual([{ again: false }]))).toHaveLength(1);
        expect(await appended(sql, async () => expect(await emit()).toEqual([{ again: true }]))).toEqual([]);
    });

    test('may use a key again that a rolled back transaction used', async () => {
        await sql
            .begin(async (tx) => {
                await tx`select tidings.emit('project:17', 'sprint.closed', dedupe_key => 'k2')`;
                throw new Error('undone');
            })
            .catch(() => {});
        expect(
            await appended(sql, `select tidings.emit('project:17', 'sprint.closed', dedupe_key => 'k2')`),
        ).toHaveLength(1);
    });

    test('shortens values over 8 kB', async () => {
        expect(
            await appended(
                sql,
                `select tidings.emit('project:17', 'big', jsonb_build_object('t', repeat('x', 200000)))`,
            ),
        ).toEqual([{ topic: 'project:17', event: 'big', data: { t: { truncated: true, bytes: 200_000 } } }]);
    });

    const TOPIC = 'expected topic to be <kind>:<id> of a kind other than tidings, got';
    const EVENT = 'expected event to be a name like sprint.closed, got';
    test.each([
        ['null', 'x', '{}', `${TOPIC} null`],
        [`'nocolon'`, 'x', '{}', `${TOPIC} 'nocolon'`],
        [`'Project:1'`, 'x', '{}', `${TOPIC} 'Project:1'`],
        [`'project:'`, 'x', '{}', `${TOPIC} 'project:'`],
        [`'project:a b'`, 'x', '{}', `${TOPIC} 'project:a b'`],
        [`e'project:1\\n'`, 'x', '{}', `${TOPIC} 'project:1\n'`],
        [`'project:' || repeat('1', 129)`, 'x', '{}', `${TOPIC} 'project:${'1'.repeat(129)}'`],
        [`'${'k'.repeat(33)}:1'`, 'x', '{}', `${TOPIC} '${'k'.repeat(33)}:1'`],
        [`'tidings:access'`, 'x', '{}', `${TOPIC} 'tidings:access'`],
        [`'project:1'`, 'Big', '{}', `${EVENT} 'Big'`],
        [`'project:1'`, 'tidings.reset', '{}', `${EVENT} 'tidings.reset'`],
        [`'project:1'`, '', '{}', `${EVENT} ''`],
        [`'project:1'`, 'x', '[1]', 'expected data to be a JSON object, got [1]'],
        [`'project:1'`, 'x', 'null', 'expected data to be a JSON object, got null'],
    ])('refuses %s, %s, %s', async (topic, event, data, message) => {
        await expect(sql.unsafe(`select tidings.emit(${topic}, '${event}', '${data}')`)).rejects.toMatchObject({
            code: '22023',
            message,
        });
    });

    test('takes topics and events at their limits', async () => {
        const topic = `${'k'.repeat(32)}:${'A_.@|:+-'.repeat(16)}`;
        expect(await appended(sql, `select tidings.emit('${topic}', '${'e'.repeat(128)}')`)).toEqual([
            { topic, event: 'e'.repeat(128), data: {} },
        ]);
    });
});

describe('access_changed', () => {
    test('appends a row for one topic, or for all, with the reason and a snapshot', async () => {
        const verbs = [
            `tidings.access_changed('auth0|42', 'project:17')`,
            `tidings.access_changed('42')`,
            `tidings.access_changed('42', reason => 'deleted')`,
        ];
        const snapshot = expect.stringMatching(/^\d+:\d+:[\d,]*$/);
        expect(await appended(sql, `select ${verbs.join()}`)).toEqual(
            [
                { user: 'auth0|42', topic: 'project:17', reason: 'revoked', snapshot },
                { user: '42', topic: null, reason: 'revoked', snapshot },
                { user: '42', topic: null, reason: 'deleted', snapshot },
            ].map((data) => ({ topic: 'tidings:access', event: 'tidings.access', data })),
        );
    });

    test.each([
        [`null`, `expected user_id to be ${IDS}, got null`],
        [`''`, `expected user_id to be ${IDS}, got ''`],
        [`'a b'`, `expected user_id to be ${IDS}, got 'a b'`],
        [`'42', 'project'`, `expected topic to be <kind>:<id> or null, got 'project'`],
        [`'42', 'project:17', 'fired'`, `expected reason to be revoked or deleted, got 'fired'`],
        [`'42', null, null`, `expected reason to be revoked or deleted, got null`],
    ])('refuses %s', async (args, message) => {
        await expect(sql.unsafe(`select tidings.access_changed(${args})`)).rejects.toMatchObject({
            code: '22023',
            message,
        });
    });
});

describe('disconnect', () => {
    test('appends a row for a user', async () => {
        expect(await appended(sql, `select tidings.disconnect('42')`)).toEqual([
            { topic: 'tidings:control', event: 'tidings.disconnect', data: { user: '42' } },
        ]);
    });

    test('refuses a malformed user', async () => {
        await expect(sql`select tidings.disconnect('a b')`).rejects.toMatchObject({
            code: '22023',
            message: `expected user_id to be ${IDS}, got 'a b'`,
        });
    });
});

describe('people', () => {
    test('keeps the name of the view, and the last one given counts', async () => {
        await sql.unsafe(`
            create view app.one as select 1 as id, 'e' as email, 'n' as name, 't' as time_zone, 'l' as locale;
            create table app."Two People" (id int, email text, name text, time_zone text, locale text, more text);
            grant usage on schema app to tidings_server;
            grant select on app.one, app."Two People" to tidings_server;
            select tidings.people('app.one')`);
        await sql`select tidings.people('app."Two People"')`;
        expect(await sql`select name, value from tidings.setting`).toEqual([
            { name: 'people', value: 'app."Two People"' },
        ]);
    });

    test('refuses what the server may not read: nobody could list their inbox', async () => {
        await sql`create view app.closed as select 1 as id, 'e' as email, 'n' as name, 't' as time_zone, 'l' as locale`;
        await expect(sql`select tidings.people('app.closed')`).rejects.toMatchObject({
            code: '42501',
            message: 'expected role tidings_server to be allowed to select from app.closed',
        });
    });

    test('refuses what lacks columns, naming them', async () => {
        await sql`create view app.half as select 1 as id, 'e' as email`;
        await expect(sql`select tidings.people('app.half')`).rejects.toMatchObject({
            code: '42703',
            message:
                'expected app.half to have the columns id, email, name, time_zone and locale, missing: name, time_zone, locale',
        });
    });
});

describe('topic_kind', () => {
    test('keeps a kind, its function and the type of its ids; said again it replaces', async () => {
        await sql.unsafe(`select tidings.topic_kind('project', 'app.by_text(text,text)')`);
        await sql.unsafe(`select tidings.topic_kind('project', 'app.by_uuid(text,uuid)')`);
        expect(await sql`select * from tidings.topic_kinds`).toEqual([
            { kind: 'project', can_read: 'app.by_uuid', id_type: 'uuid', title: null },
        ]);
    });

    test('keeps what names its topics, until it is said again without', async () => {
        await sql.unsafe(`
            create function app.name_of(id uuid) returns text language sql as 'select id::text';
            create function app.name_of(id text) returns text language sql as 'select id';
            create function app.secret_name_of(id uuid) returns text language sql as 'select id::text';
            revoke all on function app.secret_name_of(uuid) from public`);
        const declare = (title: string) =>
            sql.unsafe(`select tidings.topic_kind('project', 'app.by_uuid(text,uuid)', title => ${title})`);
        const titles = async () => (await sql`select title from tidings.topic_kinds`).map((row) => row['title']);
        await declare(`'app.name_of(uuid)'`);
        expect(await titles()).toEqual(['app.name_of']);
        await expect(declare(`'app.name_of(text)'`)).rejects.toMatchObject({
            code: '42883',
            message: 'expected title to be a function (uuid) returning text, got app.name_of(text)',
        });
        await expect(declare(`'app.secret_name_of(uuid)'`)).rejects.toMatchObject({
            code: '42501',
            hint: 'grant execute on function app.secret_name_of(uuid) to tidings_server;',
        });
        await declare('null');
        expect(await titles()).toEqual([null]);
    });

    const KIND = 'expected kind to match [a-z][a-z0-9_]{0,31} and to be neither tidings nor user, got';
    test.each([['tidings'], ['user'], ['Project'], ['a-b'], ['k'.repeat(33)]])('refuses the kind %s', async (kind) => {
        await expect(sql`select tidings.topic_kind(${kind}, 'app.by_uuid(text,uuid)')`).rejects.toMatchObject({
            code: '22023',
            message: `${KIND} '${kind}'`,
        });
    });

    const SHAPE = 'expected can_read to be a function (text, uuid | bigint | integer | text) returning boolean, got';
    test.each([
        ['app.by_date(text,date)'],
        ['app.by_one(text)'],
        ['app.to_int(text,text)'],
        ['app.to_many(text,text)'],
    ])('refuses the function %s', async (name) => {
        await expect(sql`select tidings.topic_kind('project', ${name}::text::regprocedure)`).rejects.toMatchObject({
            code: '42883',
            message: `${SHAPE} ${name}`,
        });
    });

    test('refuses a function the server may not execute', async () => {
        await sql.unsafe(`
            create function app.closed(who text, id text) returns boolean language sql return true;
            revoke execute on function app.closed from public`);
        await expect(sql`select tidings.topic_kind('closed', 'app.closed(text,text)')`).rejects.toMatchObject({
            code: '42501',
            message: 'expected role tidings_server to be allowed to execute app.closed(text,text)',
        });
    });
});

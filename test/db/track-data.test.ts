/** What the default `data` of a tracked table carries, and how each type is spelled. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended, dataOf } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create table app.project (id int primary key);
        insert into app.project values (7), (8);
        create table app.task (
            id int primary key,
            project_id int not null references app.project,
            title text,
            due_at timestamptz,
            row_version int not null default 1,
            secret text
        );
        select tidings.track('app.task', entity => 'task', topic => $$'project:' || r.project_id$$,
            ignore => '{row_version}', redact => '{secret}');`);
});

afterAll(() => database.close());

describe('default data', () => {
    test('of an insert is every tracked column that is not redacted', async () => {
        expect(
            await appended(sql, `insert into app.task values (1, 7, 'Paint', '2026-01-02 03:04:05.678+02', 1, 'x')`),
        ).toEqual([
            {
                topic: 'project:7',
                event: 'task.created',
                data: { id: 1, projectId: 7, title: 'Paint', dueAt: '2026-01-02T01:04:05.678Z' },
            },
        ]);
    });

    test('of an update is the keys and only what changed', async () => {
        expect(await appended(sql, `update app.task set title = 'Draw', row_version = 2 where id = 1`)).toEqual([
            { topic: 'project:7', event: 'task.updated', data: { id: 1, projectId: 7, changes: { title: 'Draw' } } },
        ]);
    });

    test('says null where a value went away', async () => {
        expect(await dataOf(sql, `update app.task set due_at = null where id = 1`)).toEqual({
            id: 1,
            projectId: 7,
            changes: { dueAt: null },
        });
    });

    test('says that a redacted column changed, not to what', async () => {
        expect(await dataOf(sql, `update app.task set secret = 'y' where id = 1`)).toEqual({
            id: 1,
            projectId: 7,
            changes: { secret: { redacted: true } },
        });
    });

    test.each([
        ['nothing changed', `update app.task set title = title`],
        ['only an ignored column changed', `update app.task set row_version = 99`],
        ['no row was touched', `update app.task set title = 'z' where false`],
    ])('is not made when %s', async (_, statement) => {
        expect(await appended(sql, statement)).toEqual([]);
    });

    test('of a delete is the primary key and the foreign keys', async () => {
        expect(await appended(sql, `delete from app.task where id = 1`)).toEqual([
            { topic: 'project:7', event: 'task.deleted', data: { id: 1, projectId: 7 } },
        ]);
    });

    test('is limited to `columns`, and changes of others make no event', async () => {
        await sql.unsafe(`
            create table app.narrow (id int primary key, a int, b int);
            select tidings.track('app.narrow', entity => 'narrow', topic => $$'project:1'$$, columns => '{a}')`);
        expect(await dataOf(sql, `insert into app.narrow values (1, 2, 3)`)).toEqual({ id: 1, a: 2 });
        expect(await appended(sql, `update app.narrow set b = 4`)).toEqual([]);
        expect(await dataOf(sql, `update app.narrow set a = 5, b = 6`)).toEqual({ id: 1, changes: { a: 5 } });
    });
});

/** One column of a type, and the value written to it. */
async function spelled(type: string, value: string): Promise<unknown> {
    const [made] = await sql`select 'app.t' || nextval('tidings.event_id') as name`;
    const table = String(made?.['name']);
    await sql.unsafe(`create table ${table} (id int primary key, v ${type});
        select tidings.track('${table}', entity => 't', topic => $$'project:1'$$)`);
    const created = await dataOf(sql, `insert into ${table} values (1, ${value})`);
    await sql.unsafe(`insert into ${table} values (2, null)`);
    const changed = await appended(sql, `update ${table} set v = ${value}`);
    expect(changed.map((event) => event.data)).toEqual([{ id: 2, changes: { v: (created as { v: unknown }).v } }]);
    return (created as { v: unknown }).v;
}

describe('a value', () => {
    beforeAll(() =>
        sql.unsafe(`
            create type app.mood as enum ('glad', 'sad');
            create domain app.small as int check (value < 100);
            create domain app.large as bigint;
            create domain app.larger as app.large;
            create type app.pair as (x int, y text);
            create type app.crate as (x int, y json)`),
    );

    test.each([
        ['boolean', 'true', true],
        ['smallint', '7', 7],
        ['integer', '-2147483648', -2147483648],
        ['bigint', '9223372036854775807', '9223372036854775807'],
        ['numeric', '0.10', '0.10'],
        ['numeric', `'NaN'`, 'NaN'],
        ['numeric', `'infinity'`, 'Infinity'],
        ['money', `'12.50'`, '$12.50'],
        ['real', '1.1', 1.1],
        ['double precision', '0.1', 0.1],
        ['double precision', `'NaN'`, 'NaN'],
        ['double precision', `'-infinity'`, '-Infinity'],
        ['timestamptz', `'2026-01-02 03:04:05.678901+02'`, '2026-01-02T01:04:05.678Z'],
        ['timestamptz', `'infinity'`, 'infinity'],
        ['timestamptz[]', `array['2026-01-02 03:04:05+02', null]::timestamptz[]`, ['2026-01-02T01:04:05.000Z', null]],
        ['timestamptz[]', `'{}'`, []],
        ['timestamp', `'2026-01-02 03:04:05.5'`, '2026-01-02T03:04:05.5'],
        ['date', `'2026-01-02'`, '2026-01-02'],
        ['time', `'03:04'`, '03:04:00'],
        ['interval', `'1 day 2 hours'`, '1 day 02:00:00'],
        ['uuid', `'0FA3C6E2-0000-4000-8000-000000000001'`, '0fa3c6e2-0000-4000-8000-000000000001'],
        ['text', `'Zürich "quoted" \\ '`, 'Zürich "quoted" \\ '],
        ['varchar(5)', `'ab'`, 'ab'],
        ['char(3)', `'ab'`, 'ab'],
        ['name', `'ab'`, 'ab'],
        ['json', `'{"b": [1, 2]}'`, { b: [1, 2] }],
        ['jsonb', `'null'`, null],
        [
            'int[]',
            `array[[1, 2], [3, 4]]`,
            [
                [1, 2],
                [3, 4],
            ],
        ],
        ['bigint[]', `array[9007199254740993, null]`, ['9007199254740993', null]],
        ['numeric[]', `array[1.10]`, ['1.10']],
        ['text[]', `array['a', null]`, ['a', null]],
        ['bytea', `'\\x00ff'`, '\\x00ff'],
        ['inet', `'10.0.0.1'`, '10.0.0.1'],
        ['int4range', `'[1,5)'`, '[1,5)'],
        ['point', `'(1,2)'`, '(1,2)'],
        ['xml', `'<a/>'`, '<a/>'],
        ['app.mood', `'glad'`, 'glad'],
        ['app.small', '5', 5],
        ['app.large', '9007199254740993', '9007199254740993'],
        ['app.larger', '9007199254740993', '9007199254740993'],
        ['app.pair', `row(1, 'z')::app.pair`, { x: 1, y: 'z' }],
        ['app.pair[]', `array[row(1, 'z')::app.pair]`, [{ x: 1, y: 'z' }]],
        ['app.crate', `row(1, '[]')::app.crate`, { x: 1, y: [] }],
        ['json[]', `array['{}', '1']::json[]`, [{}, 1]],
    ])('of type %s, %s, is told as it is', async (type, value, expected) => {
        expect(await spelled(type, value)).toEqual(expected);
    });

    test('of a stored generated column is told, of a virtual one is left out', async () => {
        await sql.unsafe(`
            create table app.made (id int primary key, a int, twice int generated always as (a * 2) stored,
                thrice int generated always as (a * 3) virtual);
            select tidings.track('app.made', entity => 'made', topic => $$'project:1'$$)`);
        expect(await dataOf(sql, `insert into app.made values (1, 4)`)).toEqual({ id: 1, a: 4, twice: 8 });
        expect(await dataOf(sql, `update app.made set a = 5`)).toEqual({ id: 1, changes: { a: 5, twice: 10 } });
    });

    test('does not depend on the settings of who writes', async () => {
        await sql.unsafe(`
            create table app.moment (id int primary key, at timestamptz, raw bytea, many timestamptz[]);
            select tidings.track('app.moment', entity => 'moment', topic => $$'project:1'$$)`);
        const data = await appended(sql, () =>
            sql.begin(async (tx) => {
                await tx.unsafe(
                    `set local timezone = 'Asia/Tokyo'; set local datestyle = 'German'; set local bytea_output = 'escape'`,
                );
                await tx.unsafe(
                    `insert into app.moment values (1, '2026-01-02 03:04:05+00', '\\x00ff', '{2026-01-02 03:04:05+00}')`,
                );
            }),
        );
        expect(data.map((event) => event.data)).toEqual([
            { id: 1, at: '2026-01-02T03:04:05.000Z', raw: '\\x00ff', many: ['2026-01-02T03:04:05.000Z'] },
        ]);
    });
});

describe('a value over 8 kB', () => {
    beforeAll(() =>
        sql.unsafe(`
            create table app.big (id int primary key, t text, j jsonb, k json, b bytea, a int[]);
            select tidings.track('app.big', entity => 'big', topic => $$'project:1'$$);
            create table app.own (id int primary key, t text);
            select tidings.track('app.own', entity => 'own', topic => $$'project:1'$$,
                data => $$jsonb_build_object('id', r.id, 't', r.t, 'changes', jsonb_build_object('t', r.t))$$)`),
    );

    test('is replaced by its length, in an insert', async () => {
        expect(
            await dataOf(
                sql,
                `insert into app.big values (1, repeat('x', 200000), to_jsonb(repeat('x', 200000)), to_json(repeat('x', 9000)),
                    decode(repeat('00', 5000), 'hex'), array_fill(12345, array[2000]))`,
            ),
        ).toEqual({
            id: 1,
            t: { truncated: true, bytes: 200_000 },
            j: { truncated: true, bytes: 200_000 },
            k: { truncated: true, bytes: 9000 },
            b: { truncated: true, bytes: 5000 },
            a: { truncated: true, bytes: 14_000 },
        });
    });

    test('is replaced by its length, among changes', async () => {
        expect(await dataOf(sql, `update app.big set t = repeat('é', 100000)`)).toEqual({
            id: 1,
            changes: { t: { truncated: true, bytes: 200_000 } },
        });
    });

    test('is replaced by its length, in data of a declared expression', async () => {
        expect(await dataOf(sql, `insert into app.own values (1, repeat('x', 9000))`)).toEqual({
            id: 1,
            t: { truncated: true, bytes: 9000 },
            changes: { t: { truncated: true, bytes: 9000 } },
        });
    });

    test('begins after 8192 bytes', async () => {
        expect(await dataOf(sql, `insert into app.big (id, t) values (2, repeat('x', 8192))`)).toMatchObject({
            t: 'x'.repeat(8192),
        });
        expect(await dataOf(sql, `insert into app.big (id, t) values (3, repeat('x', 8193))`)).toMatchObject({
            t: { truncated: true, bytes: 8193 },
        });
    });
});

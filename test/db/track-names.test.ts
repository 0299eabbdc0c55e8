/** Tables whose columns are named to clash with what capture itself uses, and tables with very many. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql`create schema app`;
});

afterAll(() => database.close());

const HOSTILE = [
    ...[
        'n',
        'new',
        'old',
        'r',
        'o',
        'op',
        'changes',
        'topic',
        'topics',
        'event',
        'data',
        'rows',
        'row',
        'state',
        'by',
        'begin',
        'declare',
    ],
    ...['if', 'loop', 'strict', 'exception', 'select', 'end', 'case'],
    ...[
        'tidings$new',
        'tidings$old',
        '$row',
        '$topics',
        '$one',
        'a b',
        "o'clock",
        'say "hi"',
        '%s',
        '%1$I',
        '\\',
        '$$',
        '--',
    ],
    ...['Ünïcode', 'camelCase', '_hidden', '__', '1st', 'x'.repeat(63), 'ё'.repeat(31)],
] as const;

/** The field a column becomes: parts after an underscore begin with a capital. */
const FIELDS: Readonly<Record<string, string>> = { _hidden: '_hidden', __: '__' };

describe.each(HOSTILE)('a column named %j', (name) => {
    const table = `app."t ${HOSTILE.indexOf(name)}"`;
    const column = `"${name.replaceAll('"', '""')}"`;
    const field = FIELDS[name] ?? name;

    test('is told in an insert, an update, a change of topic and a delete', async () => {
        await sql.unsafe(`
            create table ${table} (key int primary key, ${column} int, other int);
            select tidings.track('${table.replaceAll("'", "''")}', entity => 'thing', topic => $q$'project:' || r.other$q$)`);
        const events = await appended(
            sql,
            `insert into ${table} values (1, 5, 7); update ${table} set ${column} = 6;
             update ${table} set other = 8; delete from ${table}`,
        );
        expect(events).toEqual([
            { topic: 'project:7', event: 'thing.created', data: { key: 1, [field]: 5, other: 7 } },
            { topic: 'project:7', event: 'thing.updated', data: { key: 1, changes: { [field]: 6 } } },
            { topic: 'project:7', event: 'thing.deleted', data: { key: 1 } },
            { topic: 'project:8', event: 'thing.created', data: { key: 1, [field]: 6, other: 8 } },
            { topic: 'project:8', event: 'thing.deleted', data: { key: 1 } },
        ]);
    });

    test('may be the key and stand in the topic', async () => {
        const keyed = table.replace('"t ', '"k ');
        await sql.unsafe(`
            create table ${keyed} (${column} int primary key, v int);
            select tidings.track('${keyed.replaceAll("'", "''")}', entity => 'thing', topic => $q$'project:' || r.${column}$q$)`);
        const events = await appended(sql, `insert into ${keyed} values (1, 5); update ${keyed} set v = 6`);
        expect(events).toEqual([
            { topic: 'project:1', event: 'thing.created', data: { [field]: 1, v: 5 } },
            { topic: 'project:1', event: 'thing.updated', data: { [field]: 1, changes: { v: 6 } } },
        ]);
    });
});

test('a table of 120 columns is told whole', async () => {
    const names = Array.from({ length: 120 }, (_, n) => `c${n + 1}`);
    await sql.unsafe(`
        create table app.wide (id int primary key, ${names.map((name) => `${name} int`).join(', ')});
        select tidings.track('app.wide', entity => 'wide', topic => $$'project:1'$$)`);
    const all = Object.fromEntries(names.map((name) => [name, 1]));
    const more = Object.fromEntries(names.map((name) => [name, 2]));
    expect(
        await appended(
            sql,
            `insert into app.wide values (1, ${names.map(() => 1).join(', ')});
             update app.wide set ${names.map((name) => `${name} = 2`).join(', ')}`,
        ),
    ).toEqual([
        { topic: 'project:1', event: 'wide.created', data: { id: 1, ...all } },
        { topic: 'project:1', event: 'wide.updated', data: { id: 1, changes: more } },
    ]);
});

test('a table that lost and gained columns is told by those it has', async () => {
    await sql.unsafe(`
        create table app.aged (gone int, id int primary key, lost text, v int);
        alter table app.aged drop column gone, drop column lost, add column late text not null default 'x';
        select tidings.track('app.aged', entity => 'aged', topic => $$'project:1'$$)`);
    expect(
        await appended(sql, `insert into app.aged values (1, 2); update app.aged set late = 'y'; delete from app.aged`),
    ).toEqual([
        { topic: 'project:1', event: 'aged.created', data: { id: 1, v: 2, late: 'x' } },
        { topic: 'project:1', event: 'aged.updated', data: { id: 1, changes: { late: 'y' } } },
        { topic: 'project:1', event: 'aged.deleted', data: { id: 1 } },
    ]);
});

test("a column added or dropped after the table was tracked is in nobody's way", async () => {
    await sql.unsafe(`
        create table app.grown (id int primary key, note text, v int);
        select tidings.track('app.grown', entity => 'grown', topic => $$'project:1'$$, ignore => '{note}')`);
    const statements = `insert into app.grown (id, v) values (1, 2); update app.grown set v = 3; delete from app.grown`;
    const before = await appended(sql, statements);
    await sql`alter table app.grown add column late text default 'x'`;
    expect(await appended(sql, statements)).toEqual(before);
    await sql`alter table app.grown drop column note`;
    expect(await appended(sql, statements)).toEqual(before);
});

test('a domain that forbids null does not stand in the way of an absent row', async () => {
    await sql.unsafe(`
        create domain app.known as text not null;
        create table app.strict (id int primary key, v app.known, project int);
        select tidings.track('app.strict', entity => 'strict', topic => $$'project:' || r.project$$)`);
    const events = await appended(
        sql,
        `insert into app.strict values (1, 'a', 7); update app.strict set project = 8;
         update app.strict set id = 2; delete from app.strict`,
    );
    expect(events.map(({ topic, event }) => `${topic} ${event}`).sort()).toEqual([
        'project:7 strict.created',
        'project:7 strict.deleted',
        'project:8 strict.created',
        'project:8 strict.created',
        'project:8 strict.deleted',
        'project:8 strict.deleted',
    ]);
});

/** Declared expressions of topic, event and data; rows that change their topic or their key. */

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

describe('an expression', () => {
    test('of event and data sees r, o, op and changes', async () => {
        await sql.unsafe(`
            create table app.note (id int primary key, project int, body text);
            select tidings.track('app.note', entity => 'note', topic => $$'project:' || r.project$$,
                event => $$case when op = 'UPDATE' and o.body is null then 'note.filled' else 'note.' || lower(op) end$$,
                data => $$jsonb_build_object('id', r.id, 'was', o.body, 'is', r.body, 'op', op, 'changes', changes)$$)`);
        expect(
            await appended(
                sql,
                `insert into app.note values (1, 7, null);
                 update app.note set body = 'a';
                 update app.note set body = 'b';
                 delete from app.note`,
            ),
        ).toEqual([
            {
                topic: 'project:7',
                event: 'note.insert',
                data: { id: 1, was: null, is: null, op: 'INSERT', changes: null },
            },
            {
                topic: 'project:7',
                event: 'note.filled',
                data: { id: 1, was: null, is: 'a', op: 'UPDATE', changes: { body: 'a' } },
            },
            {
                topic: 'project:7',
                event: 'note.update',
                data: { id: 1, was: 'a', is: 'b', op: 'UPDATE', changes: { body: 'b' } },
            },
            {
                topic: 'project:7',
                event: 'note.delete',
                data: { id: 1, was: null, is: 'b', op: 'DELETE', changes: null },
            },
        ]);
    });

    test('that yields a null topic or a null event makes no event', async () => {
        await sql.unsafe(`
            create table app.some (id int primary key, project int, loud boolean);
            select tidings.track('app.some', entity => 'some', topic => $$'project:' || r.project$$,
                event => $$case when r.loud then 'some.heard' end$$)`);
        const events = await appended(sql, `insert into app.some values (1, null, true), (2, 7, false), (3, 7, true)`);
        expect(events).toEqual([{ topic: 'project:7', event: 'some.heard', data: { id: 3, project: 7, loud: true } }]);
    });

    test('that yields null data tells an empty object', async () => {
        await sql.unsafe(`
            create table app.bare (id int primary key);
            select tidings.track('app.bare', entity => 'bare', topic => $$'project:1'$$, data => $$null::jsonb$$)`);
        expect(await appended(sql, `insert into app.bare values (1)`)).toEqual([
            { topic: 'project:1', event: 'bare.created', data: {} },
        ]);
    });

    test('of topics may yield several, each told once', async () => {
        await sql.unsafe(`
            create table app.pair (id int primary key, a int, b int);
            select tidings.track('app.pair', entity => 'pair', topic => $$array['user:' || r.a, null, 'user:' || r.b]$$)`);
        expect((await appended(sql, `insert into app.pair values (1, 5, 6), (2, 5, 5)`)).map((e) => e.topic)).toEqual([
            'user:5',
            'user:6',
            'user:5',
        ]);
    });

    test('may be one of several, and their topics are joined', async () => {
        await sql.unsafe(`
            create table app.both (id int primary key, a int, b int);
            select tidings.track('app.both', entity => 'both',
                topic => array[$$'project:' || r.a$$, $$array['user:' || r.b, 'project:' || r.a]$$])`);
        const events = await appended(sql, `insert into app.both values (1, 5, 6), (2, null, 6)`);
        expect(events.map((e) => e.topic)).toEqual(['project:5', 'user:6', 'user:6']);
    });

    test('may end in a comment, and may pass the row to a function', async () => {
        await sql.unsafe(`
            create table app.fn (id int primary key, project int);
            create function app.topic_of(it app.fn) returns text language sql immutable return 'project:' || it.project;
            select tidings.track('app.fn', entity => 'fn', topic => $$app.topic_of(r) -- where it lives$$)`);
        expect(await appended(sql, `insert into app.fn values (1, 7)`)).toEqual([
            { topic: 'project:7', event: 'fn.created', data: { id: 1, project: 7 } },
        ]);
    });
});

describe('a row that changes its topic', () => {
    beforeAll(() =>
        sql.unsafe(`
            create table app.task (id int primary key, project int, title text);
            select tidings.track('app.task', entity => 'task', topic => $$'project:' || r.project$$);
            insert into app.task values (1, 7, 'Paint');
            create table app.shared (id int primary key, members int[], title text);
            select tidings.track('app.shared', entity => 'shared',
                topic => $$array(select 'user:' || m from unnest(r.members) m)$$,
                data => $$jsonb_build_object('title', r.title, 'was', o.title, 'changes', changes)$$);
            insert into app.shared values (1, '{1,2}', 'a')`),
    );

    test('is deleted where it was, as it was, and created where it is, as it is', async () => {
        expect(await appended(sql, `update app.task set project = 8, title = 'Draw'`)).toEqual([
            { topic: 'project:7', event: 'task.deleted', data: { id: 1 } },
            { topic: 'project:8', event: 'task.created', data: { id: 1, project: 8, title: 'Draw' } },
        ]);
    });

    test('is only deleted if it goes to none, only created if it comes from none', async () => {
        expect(await appended(sql, `update app.task set project = null`)).toEqual([
            { topic: 'project:8', event: 'task.deleted', data: { id: 1 } },
        ]);
        expect(await appended(sql, `update app.task set title = 'x'`)).toEqual([]);
        expect(await appended(sql, `update app.task set project = 9`)).toEqual([
            { topic: 'project:9', event: 'task.created', data: { id: 1, project: 9, title: 'x' } },
        ]);
    });

    test('is deleted, created and updated where it left, came and stayed', async () => {
        expect(await appended(sql, `update app.shared set members = '{2,3}', title = 'b'`)).toEqual([
            { topic: 'user:1', event: 'shared.deleted', data: { title: 'a', was: null, changes: null } },
            { topic: 'user:3', event: 'shared.created', data: { title: 'b', was: null, changes: null } },
            {
                topic: 'user:2',
                event: 'shared.updated',
                data: { title: 'b', was: 'a', changes: { title: 'b', members: [2, 3] } },
            },
        ]);
    });
});

describe('a row that changes its key', () => {
    test('is deleted under the old and created under the new', async () => {
        await sql.unsafe(`
            create table app.keyed (a int, b text, v int, primary key (a, b));
            select tidings.track('app.keyed', entity => 'keyed', topic => $$'project:1'$$);
            insert into app.keyed values (1, 'x', 5)`);
        const events = await appended(sql, `update app.keyed set b = 'y', v = 6`);
        expect(events).toHaveLength(2);
        expect(events).toEqual(
            expect.arrayContaining([
                { topic: 'project:1', event: 'keyed.deleted', data: { a: 1, b: 'x' } },
                { topic: 'project:1', event: 'keyed.created', data: { a: 1, b: 'y', v: 6 } },
            ]),
        );
        expect(await appended(sql, `update app.keyed set v = 7`)).toEqual([
            { topic: 'project:1', event: 'keyed.updated', data: { a: 1, b: 'y', changes: { v: 7 } } },
        ]);
    });

    test('is matched by text where the key has no equality of its own', async () => {
        await sql.unsafe(`
            create extension ltree schema public;
            create table app.path (p public.ltree primary key, v int);
            select tidings.track('app.path', entity => 'path', topic => $$'project:1'$$);
            insert into app.path values ('a.b', 1)`);
        expect(await appended(sql, `update app.path set v = 2`)).toEqual([
            { topic: 'project:1', event: 'path.updated', data: { p: 'a.b', changes: { v: 2 } } },
        ]);
    });
});

/** What capture may cost a writer, and what stays its own: waits, time, memory, and the ends of a transaction it does not survive. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

/** Where there is time for it. */
const VALUE_MB = process.env['FAULT_LONG'] ? 200 : 50;

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        grant usage on schema app to tidings_server;
        create function app.can_read(who text, id text) returns boolean language sql return true;
        select tidings.topic_kind('place', 'app.can_read(text, text)');
        create table app.thing (id int primary key, place int, parent int references app.thing deferrable initially deferred, body text);
        create function app.slowly(body text) returns text language plpgsql as
            $$ begin if body = 'slow' then perform pg_sleep(30); end if; return body; end $$;
        select tidings.track('app.thing', entity => 'thing', topic => $$'place:' || r.place$$,
            data => $$jsonb_build_object('id', r.id, 'body', app.slowly(r.body))$$);
        create table app.paper (id int primary key, body text);
        select tidings.track('app.paper', entity => 'paper', topic => $$'place:4'$$)`);
});

afterAll(() => database.close());

const insert = (id: number, place: number) => `insert into app.thing (id, place) values (${id}, ${place})`;

test('writers of the same topics in opposite order do not wait for each other', async () => {
    const connection = { lock_timeout: 500, statement_timeout: 5000 };
    const writers = [1, 2].map(() => postgres(database.url, { max: 1, connection, onnotice: () => undefined }));
    const [one, other] = await Promise.all(writers.map((writer) => writer.reserve()));
    if (one === undefined || other === undefined) throw new TypeError('expected two writers');
    const events = await appended(sql, async () => {
        await Promise.all([one`begin`, other`begin`]);
        await Promise.all([one.unsafe(insert(1, 1)), other.unsafe(insert(2, 2))]);
        await Promise.all([one.unsafe(insert(3, 2)), other.unsafe(insert(4, 1))]);
        await other`commit`;
        await one`commit`;
    });
    expect(events.map(({ topic }) => topic).sort()).toEqual(['place:1', 'place:1', 'place:2', 'place:2']);
    expect(await sql`select from tidings.capture_error`).toHaveLength(0);
    for (const reserved of [one, other]) reserved.release();
    await Promise.all(writers.map((writer) => writer.end()));
});

test('nothing in the log can clash or be put off to the commit', async () => {
    const found = await sql`
        select 'constraint' as kind, c.conname::text as name from pg_constraint c
        where c.conrelid = 'tidings.event'::regclass and (c.condeferrable or c.contype not in ('p', 'n'))
        union all
        select 'trigger', t.tgname from pg_trigger t where t.tgrelid = 'tidings.event'::regclass
        union all
        select 'unique index', i.indexrelid::regclass::text from pg_index i
        where i.indrelid = 'tidings.event'::regclass and i.indisunique and not i.indisprimary`;
    expect(found).toEqual([]);
});

test.each([
    ['statement_timeout', `set local statement_timeout = '300ms'`, `(10, 3, null, 'slow')`, '57014'],
    ['a deferred constraint', 'set local lock_timeout = 0', `(10, 3, 999, 'orphan')`, '23503'],
])('%s ends the whole of the write, and nothing is told of it', async (_, setting, row, code) => {
    const writing = sql.begin(async (tx) => {
        await tx.unsafe(setting);
        await tx.unsafe(`insert into app.thing values ${row}`);
    });
    const events = await appended(sql, async () => {
        await expect(writing).rejects.toMatchObject({ code });
        await sql.unsafe(`${insert(11, 3)}; delete from app.thing`);
    });
    expect(events.filter(({ topic }) => topic === 'place:3').map(({ event }) => event)).toEqual([
        'thing.created',
        'thing.deleted',
    ]);
    expect(await sql`select from tidings.capture_error`).toHaveLength(0);
});

test(`a value of ${VALUE_MB} MB is told by its length`, async () => {
    const bytes = VALUE_MB * 1024 * 1024;
    const startedMs = performance.now();
    const events = await appended(sql, `insert into app.paper values (1, repeat('x', ${bytes}))`);
    expect(events).toEqual([
        { topic: 'place:4', event: 'paper.created', data: { id: 1, body: { truncated: true, bytes } } },
    ]);
    expect(await sql`select octet_length(body) as bytes from app.paper`).toEqual([{ bytes }]);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
}, 60_000);

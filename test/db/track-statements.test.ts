/** Every kind of statement and transaction that can write a tracked table. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended, sequenceAll, streamLines } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create table app.item (id int primary key, v int);
        select tidings.track('app.item', entity => 'item', topic => $$'item:' || r.id$$)`);
});

afterAll(() => database.close());

const lines = async (work: string | (() => PromiseLike<unknown>)): Promise<string[]> =>
    (await appended(sql, work)).map(({ topic, event, data }) => `${topic} ${event} ${JSON.stringify(data)}`);

/** The events of a statement, which then is rolled back. */
async function rolledBack(statement: string): Promise<string[]> {
    const work = await sql.reserve();
    await work`begin`;
    await work.unsafe(statement);
    const events = await work<{ topic: string; event: string; data: unknown }[]>`
        select topic, event, data from tidings.event where xid = pg_current_xact_id() order by id`;
    await work`rollback`;
    work.release();
    return events.map(({ topic, event, data }) => `${topic} ${event} ${JSON.stringify(data)}`);
}

describe('a statement', () => {
    test('that upserts tells what was inserted and what was updated', async () => {
        await sql`insert into app.item values (1, 1)`;
        const events = await lines(
            `insert into app.item values (1, 5), (2, 5) on conflict (id) do update set v = excluded.v`,
        );
        expect(events.sort()).toEqual([
            'item:1 item.updated {"id":1,"changes":{"v":5}}',
            'item:2 item.created {"v":5,"id":2}',
        ]);
    });

    test('that merges tells all three', async () => {
        const events = await lines(`
            merge into app.item i using (values (1, 9), (2, null), (3, 9)) w (id, v) on w.id = i.id
            when matched and w.v is null then delete
            when matched then update set v = w.v
            when not matched then insert values (w.id, w.v)`);
        expect(events.map((line) => line.split(' {')[0]).sort()).toEqual([
            'item:1 item.updated',
            'item:2 item.deleted',
            'item:3 item.created',
        ]);
    });

    test.each([
        ['with the defaults', `topic => $$'one:' || r.part$$`],
        [
            'with expressions over op, o and changes',
            `topic => $$'one:' || coalesce(o.part, r.part)$$, event => $$case when r.v <> 13 then 'one.' || lower(op) end$$,
            data => $$jsonb_build_object('r', r.id, 'o', o.v, 'op', op, 'changes', changes)$$`,
        ],
        ['with several topics', `topic => $$array['one:' || r.part, case when r.v > 5 then 'big:' || r.part end]$$`],
        ['strict', `topic => $$'one:' || r.part$$, strict => true`],
    ])('of one row makes the events that the row makes among others, %s', async (_, tracking) => {
        await sql.unsafe(`
            drop table if exists app.one;
            create table app.one (id int primary key, part int, v int);
            select tidings.track('app.one', entity => 'one', ${tracking})`);
        const statements = [
            (ids: string) => `insert into app.one select g, 1, g * 3 from unnest('${ids}'::int[]) g`,
            (ids: string) => `update app.one set v = v + 1 where id = any ('${ids}')`,
            (ids: string) => `update app.one set v = v where id = any ('${ids}')`,
            (ids: string) => `update app.one set part = part + 1 where id = any ('${ids}')`,
            (ids: string) => `update app.one set id = id + 100, v = null where id = any ('${ids}')`,
            (ids: string) => `update app.one set id = id - 100, v = 13 where id - 100 = any ('${ids}')`,
            (ids: string) => `delete from app.one where id = any ('${ids}')`,
        ];
        for (const statement of statements) {
            const together = await rolledBack(statement('{1,2,3,4}'));
            const apart = await lines(`${[1, 2, 3, 4].map((id) => statement(`{${id}}`)).join(';')}`);
            expect(apart.sort()).toEqual(together.sort());
        }
        expect(await sql`select count(*)::int as n from tidings.capture_error`).toEqual([{ n: 0 }]);
    });

    test('that touches the table twice tells each row once', async () => {
        const events = await lines(`
            with a as (insert into app.item values (10, 1) returning id),
                b as (insert into app.item values (11, 1) returning id),
                c as (update app.item set v = 77 where id = 1 returning id),
                d as (update app.item set v = 78 where id = 3 returning id)
            select from a, b, c, d`);
        expect(events.map((line) => line.split(' {')[0]).sort()).toEqual([
            'item:1 item.updated',
            'item:10 item.created',
            'item:11 item.created',
            'item:3 item.updated',
        ]);
    });

    test('that copies rows in tells them', async () => {
        const events = await lines(async () => {
            const copy = await sql`copy app.item from stdin`.writable();
            await new Promise<void>((resolve, reject) => {
                copy.on('error', reject).on('finish', resolve);
                copy.end('20\t1\n21\t2\n');
            });
        });
        expect(events.map((line) => line.split(' {')[0])).toEqual(['item:20 item.created', 'item:21 item.created']);
    });

    test('that truncates raises the floor of the kinds', async () => {
        await sequenceAll(sql);
        expect(await appended(sql, `truncate app.item`)).toEqual([
            { topic: 'tidings:control', event: 'tidings.floor', data: { kind: 'item', reason: 'capture_error' } },
        ]);
        await sequenceAll(sql);
        const [{ gseq } = { gseq: null }] = await sql`select max(gseq) as gseq from tidings.stream`;
        expect(await sql`select kind, gseq from tidings.kind_floor`).toEqual([{ kind: 'item', gseq }]);
    });
});

describe('a cascade', () => {
    beforeAll(() =>
        sql.unsafe(`
            create table app.parent (id int primary key);
            create table app.child (id int primary key, parent_id int references app.parent on delete cascade, boss int references app.child on delete cascade);
            select tidings.track('app.parent', entity => 'parent', topic => $$'parent:' || r.id$$);
            select tidings.track('app.child', entity => 'child', topic => $$'parent:' || r.parent_id$$)`),
    );

    test('tells of every row that went, those of the table itself too', async () => {
        await sql.unsafe(`
            insert into app.parent values (1), (2);
            insert into app.child values (1, 1, null), (2, 1, 1), (3, 1, 2), (4, 2, null)`);
        expect((await lines(`delete from app.parent where id = 1`)).sort()).toEqual([
            'parent:1 child.deleted {"id":1,"boss":null,"parentId":1}',
            'parent:1 child.deleted {"id":2,"boss":1,"parentId":1}',
            'parent:1 child.deleted {"id":3,"boss":2,"parentId":1}',
            'parent:1 parent.deleted {"id":1}',
        ]);
    });
});

describe('a partitioned table', () => {
    beforeAll(() =>
        sql.unsafe(`
            create table app.part (id int, region text, v int, primary key (id, region)) partition by list (region);
            create table app.part_north partition of app.part for values in ('n');
            create table app.part_south (v int, region text not null, id int not null, dropped int);
            alter table app.part_south drop column dropped;
            alter table app.part attach partition app.part_south for values in ('s');
            select tidings.track('app.part', entity => 'part', topic => $$'region:' || r.region$$)`),
    );

    test('is told as one, a row that moves to another partition too', async () => {
        expect(await lines(`insert into app.part values (1, 'n', 1), (2, 's', 1)`)).toEqual([
            'region:n part.created {"v":1,"id":1,"region":"n"}',
            'region:s part.created {"v":1,"id":2,"region":"s"}',
        ]);
        expect((await lines(`update app.part set region = 's', v = 2 where id = 1`)).sort()).toEqual([
            'region:n part.deleted {"id":1,"region":"n"}',
            'region:s part.created {"v":2,"id":1,"region":"s"}',
        ]);
        expect((await lines(`delete from app.part`)).sort()).toEqual([
            'region:s part.deleted {"id":1,"region":"s"}',
            'region:s part.deleted {"id":2,"region":"s"}',
        ]);
    });
});

describe('a transaction', () => {
    const transaction = (statements: string) => async () => {
        const one = await sql.reserve();
        await one.unsafe(statements).finally(() => one.release());
    };

    test('that rolls back to a savepoint tells only what stayed', async () => {
        expect(
            await lines(
                transaction(`
                    begin; insert into app.item values (30, 1);
                    savepoint s; insert into app.item values (31, 1); rollback to s;
                    insert into app.item values (32, 1); commit`),
            ),
        ).toEqual(['item:30 item.created {"v":1,"id":30}', 'item:32 item.created {"v":1,"id":32}']);
    });

    test('that rolls back tells nothing', async () => {
        expect(await lines(transaction(`begin; insert into app.item values (33, 1); rollback`))).toEqual([]);
    });

    test('in two phases works when waking is off', async () => {
        await sequenceAll(sql);
        const [head] = await sql`select gseq::int from tidings.run order by run desc limit 1`;
        const name = `two_phases_${database.name}`;
        await transaction(`
            begin; set local tidings.wake = 'poll'; insert into app.item values (40, 1);
            prepare transaction '${name}'`)();
        await sequenceAll(sql);
        const before = await streamLines(sql, head?.['gseq']);
        await sql.unsafe(`commit prepared '${name}'`);
        await sequenceAll(sql);
        expect([before, await streamLines(sql, head?.['gseq'])]).toEqual([[], ['item:40 1 item.created']]);
    });
});

describe('the context of a transaction', () => {
    const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    let id = 100;

    async function contextOf(actor: string, request: string, trace: string): Promise<unknown> {
        id += 1;
        await sql.begin(async (tx) => {
            await tx`select set_config('tidings.actor', ${actor}, true), set_config('tidings.request_id', ${request}, true),
                set_config('tidings.traceparent', ${trace}, true)`;
            await tx`insert into app.item values (${id}, 1)`;
        });
        const [row] =
            await sql`select actor_id, request_id, traceparent from tidings.event where topic = ${`item:${id}`}`;
        return row;
    }

    test('is kept with its events', async () => {
        expect(await contextOf('auth0|42', 'req-1', TRACE)).toEqual({
            actor_id: 'auth0|42',
            request_id: 'req-1',
            traceparent: TRACE,
        });
    });

    test.each([
        ['empty', '', '', ''],
        ['malformed', 'a b', 'line\nbreak', '00-xyz'],
        ['too long', 'a'.repeat(129), 'a'.repeat(129), `${TRACE}0`],
    ])('is null where it is %s', async (_, actor, request, trace) => {
        expect(await contextOf(actor, request, trace)).toEqual({ actor_id: null, request_id: null, traceparent: null });
    });

    test('does not outlive its transaction on the same connection', async () => {
        const one = await sql.reserve();
        await one.unsafe(`begin; set local tidings.actor = '42'; insert into app.item values (98, 1); commit`);
        await one`insert into app.item values (99, 1)`.finally(() => one.release());
        expect(
            await sql`select topic, actor_id from tidings.event where topic in ('item:98', 'item:99') order by id`,
        ).toEqual([
            { topic: 'item:98', actor_id: '42' },
            { topic: 'item:99', actor_id: null },
        ]);
    });
});

/** A loss in topics unknown voids the positions of its whole kind, or of every kind. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createBreakable, errorsOf, gained, gseq, headOf, insertOf, pin } from './breakable-tracking.ts';
import { sequenceAll } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await createBreakable(sql);
});

afterAll(() => database.close());

const rowCount = async () => (await sql`select count(*)::int as n from app.doc`)[0]?.['n'];

describe('a loss whose topics are unknown', () => {
    /** That every topic of the kind has another epoch, and another kind has not. */
    async function expectFloor(statement: string, kinds: readonly string[] | null): Promise<void> {
        const head = await headOf(sql, 'project:20');
        const [before, elsewhere, from] = [
            await pin(sql, 'project:20', head),
            await pin(sql, 'label:good', null),
            await gseq(sql),
        ];
        const errors = await errorsOf(sql, statement);
        expect(errors).toMatchObject([{ topics: null, kinds }]);
        await sequenceAll(sql);
        expect(await gained(sql, from)).toEqual(['tidings:control tidings.floor']);
        const after = await pin(sql, 'project:20', head);
        expect(before).toMatchObject({ resumable: true });
        expect(after).toMatchObject({ head, epoch: `${before.epoch.split('.')[0]}.${await gseq(sql)}` });
        expect((await pin(sql, 'label:good', null)).epoch === elsewhere.epoch).toBe(kinds !== null);
        expect(await sql`select gseq::int from tidings.kind_floor where kind = ${kinds?.[0] ?? '*'}`).toEqual([
            { gseq: await gseq(sql) },
        ]);
    }

    test('is told in its kind when the topic expression raises for some rows', () =>
        expectFloor(insertOf([7, 1], [0, 1]), ['project']));

    test('is told in its kind when topics are too many to name', async () => {
        await sql.unsafe(`alter table tidings.event add constraint no check (topic !~ '^wide:') not valid`);
        await sql.unsafe(`
            create table app.wide (id int primary key);
            select tidings.topic_kind('wide', 'app.can_read(text,text)');
            select tidings.track('app.wide', entity => 'wide', topic => $$'wide:' || r.id$$)`);
        const from = await gseq(sql);
        const errors = await errorsOf(sql, `insert into app.wide select generate_series(1, 101)`);
        expect(errors).toMatchObject([{ topics: null, kinds: ['wide'] }]);
        await sequenceAll(sql);
        expect(await gained(sql, from)).toEqual(['tidings:control tidings.floor']);
        await sql.unsafe(`alter table tidings.event drop constraint no`);
    });

    test('is told in its kind when the table was renamed', async () => {
        await sql.unsafe(`alter table app.doc rename to docs`);
        await expectFloor(insertOf([7, 1]).replace('app.doc', 'app.docs'), ['project']);
        await sql.unsafe(`alter table app.docs rename to doc`);
    });

    test('is told in every kind when kinds are unknown too', async () => {
        await sql.unsafe(`
            create table app.odd (id int primary key, kind text);
            select tidings.track('app.odd', entity => 'odd', topic => $$r.kind || ':' || 1 / r.id$$)`);
        await expectFloor(`insert into app.odd values (0, 'project')`, null);
    });

    test.each<[string, string[] | null]>([
        [`'project:' || r.id`, ['project']],
        [`  'project:all' `, ['project']],
        [`array['project:' || r.a, 'user:' || r.b]`, ['project', 'user']],
        [`case when r.a then 'project:' || r.b else 'user:' || r.c end`, ['project', 'user']],
        [`case r.a when 1 then 'project:' || r.b when 2 then null end`, ['project']],
        [`case when r.a then 'project:' || r.b else app.topic_of(r) end`, null],
        [`coalesce(r.topic, 'project:' || r.id)`, null],
        [`array['project:' || r.a, r.topic]`, null],
        [`concat('project', ':', r.id)`, null],
        [`(select 'project:' || p.id from p)`, null],
    ])('knows the kinds of %s to be %j', async (expression, kinds) => {
        const [row] = await sql`select tidings.topic_kinds_of(array[${expression}]) as kinds`;
        expect(row?.['kinds']?.toSorted?.() ?? null).toEqual(kinds);
    });
});

describe('an error that cannot even be recorded', () => {
    beforeAll(() => sql.unsafe(`alter table tidings.capture_error add constraint no check (false) not valid`));
    afterAll(() => sql.unsafe(`alter table tidings.capture_error drop constraint no`));

    /** Runs until every transaction that was open when something was lost has ended: one of another database counts too. */
    async function settle(): Promise<void> {
        const deadline = Date.now() + 10_000;
        for (;;) {
            await sequenceAll(sql);
            const [run] = await sql`select lost_until is null as settled from tidings.run order by run desc limit 1`;
            if (run?.['settled'] === true) return sequenceAll(sql);
            if (Date.now() > deadline) throw new Error('expected the loss to be settled within 10 s');
        }
    }

    test('lets the write through and voids every position of every kind', async () => {
        const head = await headOf(sql, 'project:20');
        const [before, other] = [await pin(sql, 'project:20', head), await pin(sql, 'label:good', null)];
        const [rows, from] = [await rowCount(), await gseq(sql)];
        expect(await errorsOf(sql, insertOf([7, 13]))).toEqual([]);
        expect(await rowCount()).toBe(rows + 1);
        await settle();
        expect(new Set(await gained(sql, from))).toEqual(new Set(['tidings:control tidings.floor']));
        expect(await sql`select gseq::int from tidings.kind_floor where kind = '*'`).toEqual([
            { gseq: await gseq(sql) },
        ]);
        expect((await pin(sql, 'project:20', head)).epoch).not.toBe(before.epoch);
        expect((await pin(sql, 'label:good', null)).epoch).not.toBe(other.epoch);
        const settled = await gseq(sql);
        await settle();
        expect(await gained(sql, settled)).toEqual([]);
    });

    test('voids them again once the writer that was still open has committed', async () => {
        const writer = await sql.reserve();
        await writer.unsafe(`begin; ${insertOf([7, 13])}`);
        await sequenceAll(sql);
        const from = await gseq(sql);
        await writer`commit`;
        writer.release();
        await settle();
        expect(await gained(sql, from)).toEqual(['tidings:control tidings.floor']);
    });
});

describe('a truncate', () => {
    test('goes through when the log is away, and is a loss of the kind', async () => {
        await sql.unsafe(`
            create table app.brief (id int primary key);
            select tidings.track('app.brief', entity => 'brief', topic => $$'project:1'$$);
            alter table tidings.event rename to event_away`);
        const errors = await errorsOf(sql, `truncate app.brief`);
        await sql.unsafe(`alter table tidings.event_away rename to event`);
        expect(errors).toMatchObject([{ operation: 'TRUNCATE', topics: null, kinds: ['project'] }]);
        const from = await gseq(sql);
        await sequenceAll(sql);
        expect(await gained(sql, from)).toEqual(['tidings:control tidings.floor']);
    });
});

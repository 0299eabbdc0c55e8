/** A capture that fails never fails the write; what was lost is told in its topics. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createBreakable, errorsOf, expectReset, gained, gseq, headOf, insertOf, pin } from './breakable-tracking.ts';
import { appended, sequenceAll, streamLines } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await createBreakable(sql);
});

afterAll(() => database.close());

const rowCount = async () => (await sql`select count(*)::int as n from app.doc`)[0]?.['n'];

describe('a loss whose topics are known', () => {
    const FAULTS: readonly (readonly [what: string, broken: string, repaired: string, sqlstate: string])[] = [
        [
            'the log is renamed',
            'alter table tidings.event rename to event_away',
            'alter table tidings.event_away rename to event',
            '42P01',
        ],
        [
            'the log refuses every row',
            'alter table tidings.event add constraint no check (false) not valid',
            'alter table tidings.event drop constraint no',
            '23514',
        ],
        [
            'the function that appends is away',
            'alter function tidings.append rename to append_away',
            'alter function tidings.append_away rename to append',
            '42883',
        ],
        [
            'a column was dropped',
            'alter table app.doc rename column v to w',
            'alter table app.doc rename column w to v',
            '42703',
        ],
    ];

    test.each(FAULTS)('is told there when %s', async (_, broken, repaired, sqlstate) => {
        const [first, second, other] = [
            await headOf(sql, 'project:20'),
            await headOf(sql, 'project:10'),
            await headOf(sql, 'project:5'),
        ];
        const [from, rows] = [await gseq(sql), await rowCount()];
        await sql.unsafe(broken);
        const errors = await errorsOf(sql, insertOf([7, 1], [14, 2], [7, 3]));
        await sql.unsafe(repaired);
        expect(await rowCount()).toBe(rows + 3);
        expect(errors).toMatchObject([
            {
                table_name: 'app.doc',
                tracking: 'doc',
                operation: 'INSERT',
                topics: ['project:10', 'project:20'],
                kinds: ['project'],
                sqlstate,
            },
        ]);
        await sequenceAll(sql);
        expect((await gained(sql, from)).sort()).toEqual(['project:10 tidings.reset', 'project:20 tidings.reset']);
        await expectReset(sql, 'project:20', first);
        await expectReset(sql, 'project:10', second);
        expect(await pin(sql, 'project:5', other - 1)).toMatchObject({ resumable: true });
    });

    test('is told there when an assertion in a function fails', async () => {
        const head = await headOf(sql, 'project:20');
        const errors = await errorsOf(sql, insertOf([7, 1], [7, 13]));
        expect(errors).toMatchObject([{ topics: ['project:20'], sqlstate: 'P0004', message: 'unlucky' }]);
        await sequenceAll(sql);
        await expectReset(sql, 'project:20', head);
    });

    test('is told on both topics when a row that was leaving one could not be told', async () => {
        await sql.unsafe(insertOf([7, 1]));
        await sequenceAll(sql);
        const from = await gseq(sql);
        const errors = await errorsOf(
            sql,
            `update app.doc set project = 14, v = 13 where id = (select max(id) from app.doc)`,
        );
        expect(errors).toMatchObject([{ operation: 'UPDATE', topics: ['project:10', 'project:20'] }]);
        await sequenceAll(sql);
        expect((await gained(sql, from)).sort()).toEqual(['project:10 tidings.reset', 'project:20 tidings.reset']);
    });

    test('keeps the first row, without what is redacted', async () => {
        const errors = await errorsOf(sql, insertOf([7, 13]));
        const [row] = await sql`select max(id) as id from app.doc`;
        expect(errors.map((error) => error['sample'])).toEqual([{ id: row?.['id'], project: 7, v: 13 }]);
    });

    test.each([
        ['malformed', `label:with space`],
        ['reserved', 'tidings:control'],
    ])('is told to the others of the statement when one topic is %s', async (_, topic) => {
        const head = await headOf(sql, 'label:good');
        const errors = await errorsOf(sql, `insert into app.label (name) values ('label:good'), ('${topic}')`);
        expect(errors).toMatchObject([{ topics: ['label:good'], kinds: null }]);
        await sequenceAll(sql);
        await expectReset(sql, 'label:good', head);
    });

    test('is not told at all when the write was rolled back', async () => {
        await sequenceAll(sql);
        const from = await gseq(sql);
        await sql.begin(async (tx) => {
            await tx
                .savepoint(async (inner) => {
                    await inner.unsafe(insertOf([7, 13]));
                    throw new Error('undone');
                })
                .catch(() => {});
        });
        await sequenceAll(sql);
        expect(await gained(sql, from)).toEqual([]);
    });
});

describe('a log locked by another session', () => {
    test('delays the write by less than two seconds, and the loss is told', async () => {
        const head = await headOf(sql, 'project:20');
        const other = postgres(database.url, { max: 1, onnotice: () => {} });
        const taken = await other.reserve();
        await taken.unsafe('begin; lock table tidings.event in access exclusive mode');
        const begun = performance.now();
        const errors = await errorsOf(sql, insertOf([7, 1]));
        const tookMs = performance.now() - begun;
        await taken.unsafe('rollback');
        taken.release();
        await other.end();
        expect(tookMs).toBeLessThan(2000);
        expect(errors).toMatchObject([{ topics: ['project:20'], sqlstate: '55P03' }]);
        await sequenceAll(sql);
        await expectReset(sql, 'project:20', head);
    });
});

describe('a missing partition', () => {
    test('lets events fall into the default one, and is a loss only if there is none', async () => {
        const own = await openDatabase();
        const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
        try {
            await own.sql.unsafe(`
                create schema app; create table app.doc (id int primary key);
                select tidings.track('app.doc', entity => 'doc', topic => $$'project:7'$$);
                alter table tidings.event detach partition tidings.event_${day};
                insert into app.doc values (1)`);
            await sequenceAll(own.sql);
            expect(await own.sql`select tableoid::regclass::text as partition, topic from tidings.event`).toEqual([
                { partition: 'tidings.event_default', topic: 'project:7' },
            ]);
            expect(await streamLines(own.sql)).toEqual(['project:7 1 doc.created']);
            await own.sql.unsafe(`
                alter table tidings.event detach partition tidings.event_default;
                insert into app.doc values (2);`);
            expect(await own.sql`select topics, sqlstate from tidings.capture_error`).toEqual([
                { topics: ['project:7'], sqlstate: '23514' },
            ]);
            await sequenceAll(own.sql);
            expect(await own.sql`select topic from tidings.pending_mark`).toEqual([{ topic: 'project:7' }]);
            await own.sql.unsafe(`alter table tidings.event attach partition tidings.event_default default`);
            await sequenceAll(own.sql);
            expect(await streamLines(own.sql)).toEqual(['project:7 1 doc.created', 'project:7 2 tidings.reset']);
        } finally {
            await own.close();
        }
    });
});

describe('marks that the log refuses', () => {
    test('stay pending while the rest goes on, and are placed later', async () => {
        const head = await headOf(sql, 'project:20');
        await sql.unsafe(`alter table tidings.event add constraint no check (event <> 'tidings.reset') not valid`);
        await sql.unsafe(insertOf([7, 13]));
        await sql`select tidings.emit('project:10', 'note.made')`;
        const from = await gseq(sql);
        await sequenceAll(sql);
        await sequenceAll(sql);
        expect(await gained(sql, from)).toEqual(['project:10 note.made']);
        expect(await sql`select topic, kind from tidings.pending_mark`).toEqual([{ topic: 'project:20', kind: null }]);
        await sql.unsafe(`alter table tidings.event drop constraint no`);
        await sequenceAll(sql);
        await expectReset(sql, 'project:20', head);
        expect(await sql`select from tidings.pending_mark`).toEqual([]);
    });
});

describe('a strict tracking', () => {
    test('fails the write instead', async () => {
        await sql.unsafe(`
            create table app.exact (id int primary key);
            select tidings.track('app.exact', entity => 'exact', topic => $$'project:' || 1 / r.id$$, strict => true)`);
        await expect(sql`insert into app.exact values (0)`).rejects.toMatchObject({
            code: '22012',
            message: 'division by zero',
        });
        expect(await sql`select from app.exact`).toEqual([]);
        expect((await appended(sql, `insert into app.exact values (1)`)).map((event) => event.topic)).toEqual([
            'project:1',
        ]);
    });
});

/** Statements that touch many rows: up to 1000 of one topic are told one by one, more as one `.bulk`. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create table app.row (id int primary key, project int, v int, touched int);
        select tidings.track('app.row', entity => 'row', topic => $$'project:' || r.project$$, ignore => '{touched}')`);
});

beforeEach(() => sql.unsafe(`delete from app.row; delete from tidings.event`));

afterAll(() => database.close());

/** How many events of each name each topic got; of bulk ones, what they count. */
async function tally(statement: string): Promise<unknown[]> {
    await sql`delete from tidings.event`;
    await sql.unsafe(statement);
    return [
        ...(await sql`
            select topic, event, count(*)::int as events, min((data ->> 'count')::int) as count
            from tidings.event group by topic, event order by topic, event`),
    ];
}

const insertRows = (from: number, to: number, project: string) =>
    `insert into app.row select g, ${project}, 0, 0 from generate_series(${from}, ${to}) g`;

test('exactly 1000 rows of a topic are told one by one', async () => {
    expect(await tally(insertRows(1, 1000, '7'))).toEqual([
        { topic: 'project:7', event: 'row.created', events: 1000, count: null },
    ]);
});

test('1001 rows of a topic become one event that counts them', async () => {
    expect(await tally(insertRows(1, 1001, '7'))).toEqual([
        { topic: 'project:7', event: 'row.bulk', events: 1, count: 1001 },
    ]);
});

test('a topic with few rows is told one by one beside one with many', async () => {
    expect(await tally(insertRows(1, 1503, 'case when g % 501 = 0 then 8 else 7 end'))).toEqual([
        { topic: 'project:7', event: 'row.bulk', events: 1, count: 1500 },
        { topic: 'project:8', event: 'row.created', events: 3, count: null },
    ]);
});

test('many rows of many topics are told one by one', async () => {
    expect(await tally(insertRows(1, 2500, 'g % 3'))).toEqual([
        { topic: 'project:0', event: 'row.created', events: 833, count: null },
        { topic: 'project:1', event: 'row.created', events: 834, count: null },
        { topic: 'project:2', event: 'row.created', events: 833, count: null },
    ]);
});

test('an update counts the rows that changed', async () => {
    await sql.unsafe(insertRows(1, 3000, '7'));
    expect(await tally(`update app.row set v = case when id <= 1200 then 1 else v end, touched = 1`)).toEqual([
        { topic: 'project:7', event: 'row.bulk', events: 1, count: 1200 },
    ]);
    expect(await tally(`update app.row set v = case when id <= 900 then 2 else v end`)).toEqual([
        { topic: 'project:7', event: 'row.updated', events: 900, count: null },
    ]);
});

test('rows that change their topic count on both', async () => {
    await sql.unsafe(insertRows(1, 1100, '7'));
    expect(await tally(`update app.row set project = case when id <= 10 then 9 else 8 end`)).toEqual([
        { topic: 'project:7', event: 'row.bulk', events: 1, count: 1100 },
        { topic: 'project:8', event: 'row.bulk', events: 1, count: 1090 },
        { topic: 'project:9', event: 'row.created', events: 10, count: null },
    ]);
});

test('a delete counts too', async () => {
    await sql.unsafe(insertRows(1, 1001, '7'));
    expect(await tally(`delete from app.row`)).toEqual([
        { topic: 'project:7', event: 'row.bulk', events: 1, count: 1001 },
    ]);
});

test('rows without a topic or event do not count', async () => {
    expect(await tally(insertRows(1, 5000, 'case when g <= 1000 then 7 end'))).toEqual([
        { topic: 'project:7', event: 'row.created', events: 1000, count: null },
    ]);
});

test('200 000 rows take seconds, not minutes', async () => {
    const begun = performance.now();
    expect(await tally(insertRows(1, 200_000, 'case when g <= 5 then 8 else 7 end'))).toEqual([
        { topic: 'project:7', event: 'row.bulk', events: 1, count: 199_995 },
        { topic: 'project:8', event: 'row.created', events: 5, count: null },
    ]);
    expect(performance.now() - begun).toBeLessThan(15_000);
});

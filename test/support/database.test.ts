import { afterAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from './database.ts';

const opened: TestDatabase[] = [];
afterAll(() => Promise.all(opened.map((database) => database.close())));

async function open(options: Parameters<typeof openDatabase>[0]): Promise<TestDatabase> {
    const database = await openDatabase(options);
    opened.push(database);
    return database;
}

test('gives the engine alone', async () => {
    const { sql } = await open({});
    expect(
        await sql`select to_regclass('tidings.event') is not null as engine, to_regclass('app.tasks') as app`,
    ).toEqual([{ engine: true, app: null }]);
});

test('gives the engine with the example and its seed data', async () => {
    const { sql } = await open({ example: true });
    const [counts] =
        await sql`select (select count(*)::int from app.users) users, (select count(*)::int from app.tasks) tasks`;
    expect(counts).toEqual({ users: 10, tasks: 50 });
});

test('gives every caller a database of its own', async () => {
    const [one, other] = [await open({ empty: true }), await open({ empty: true })];
    await one.sql`create table mine ()`;
    expect(await other.sql`select to_regclass('public.mine') as mine`).toEqual([{ mine: null }]);
});

/** Anybody who may connect can take advisory locks: nothing but how soon the sequencer is woken depends on one. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;
let squatter: Sql;
let role: string;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    role = `${database.name}_squatter`;
    await sql.unsafe(`create role ${role}; select tidings.emit('room:1', 'room.told');
        select tidings.notification_type('room.told', title => 'Told')`);
    await sql`select tidings.sequence()`;
    squatter = postgres(database.url, { max: 1, onnotice: () => {} });
    await squatter.unsafe(`set role ${role}`);
    for (let key = 0; key < 16; key += 1) await squatter`select pg_advisory_lock(1953064289, ${key})`;
    for (const name of ['tidings.preference:42', 'tidings.forget', 'app.notify_due_tasks'])
        await squatter`select pg_advisory_lock(hashtextextended(${name}, 0))`;
});
afterAll(async () => {
    await squatter.end({ timeout: 1 });
    await sql.unsafe(`drop role ${role}`);
    await database.close();
});

test('only the ringing goes by an advisory lock', async () => {
    const [row] = await sql<{ names: string[] }[]>`
        select array_agg(distinct p.proname::text order by p.proname::text) as names
        from pg_proc p
        where p.pronamespace = 'tidings'::regnamespace and p.prokind = 'f' and pg_get_functiondef(p.oid) ~ 'advisory'`;
    expect(row?.names).toEqual(['fall_asleep', 'must_ring', 'stay_awake']);
});

test('chores can be locked by nobody but the engine', async () => {
    await expect(squatter`select from tidings.chore for update`).rejects.toMatchObject({ code: '42501' });
    await expect(
        squatter.unsafe('do $$ begin lock table tidings.chore in access share mode; end $$'),
    ).rejects.toMatchObject({ code: '42501' });
});

test('whatever is squatted, preferences are kept, what was snoozed comes back, heads move, people are forgotten', async () => {
    await sql`select tidings.replace_preferences('42', ${sql.json({ 'room.told': { email: 'off' } })}::jsonb)`;
    expect(await sql`select value from tidings.preference where user_id = '42'`).toEqual([{ value: 'off' }]);
    await sql`select tidings.send_notification('{42}', 'room.told')`;
    await sql`update tidings.notification set snoozed_until = now() - interval '1 second'`;
    expect(await sql`select tidings.wake_snoozed() as woken`).toEqual([{ woken: 1 }]);
    await sql`select tidings.sequence()`;
    const [flushed] = await sql<{ moved: number }[]>`select tidings.flush_heads() as moved`;
    expect(flushed?.moved).toBeGreaterThan(0);
    expect(await sql`select tidings.purge_notifications(now() + interval '1 day') as purged`).toEqual([{ purged: 1 }]);
    await sql`select tidings.forget('42')`;
    expect(await sql`select from tidings.preference where user_id = '42'`).toEqual([]);
});

test('days are made ready', async () => {
    const [row] = await sql<{ made: number }[]>`select tidings.create_partitions(20) as made`;
    expect(row?.made).toBe(12);
});

test('one chore is done by one at a time', async () => {
    const one = await sql.reserve();
    await one`begin`;
    await one`select tidings.create_partitions(22)`;
    expect(await sql`select tidings.create_partitions(24) as made`).toEqual([{ made: 0 }]);
    await one`commit`;
    one.release();
    const [row] = await sql<{ made: number }[]>`select tidings.create_partitions(24) as made`;
    expect(row?.made).toBe(4);
});

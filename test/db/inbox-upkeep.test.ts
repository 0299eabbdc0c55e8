/** What servers do for the inbox now and then: what was snoozed comes back, what is old goes; as the role they run as. */

import type { ReservedSql, Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;
let servers: readonly [ReservedSql, ReservedSql];

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    servers = [await sql.reserve(), await sql.reserve()];
    for (const server of servers) await server`set role tidings_server`;
});
afterAll(async () => {
    for (const server of servers) server.release();
    await database.close();
});
beforeEach(async () => {
    await sql`truncate tidings.notification`;
});

async function send(user: string, count = 1): Promise<string[]> {
    await sql`select tidings.send_notification(array[${user}], 'note.made') from generate_series(1, ${count}::int)`;
    const rows = await sql<
        { id: string }[]
    >`select id from tidings.notification where user_id = ${user} order by created_at, id`;
    return rows.map(({ id }) => id);
}

/** Makes notifications older than they are. */
const age = (days: number) => sql`update tidings.notification set created_at = now() - make_interval(days => ${days})`;
const wake = async (rows = 1000, server = servers[0]) =>
    (await server`select tidings.wake_snoozed(${rows}) as n`)[0]?.['n'];
const purge = async (rows = 5000, server = servers[0]) =>
    (await server`select tidings.purge_notifications(now() - interval '90 days', ${rows}) as n`)[0]?.['n'];
const left = async () => (await sql`select count(*)::int as n from tidings.notification`)[0]?.['n'];

describe('wake_snoozed', () => {
    test('brings back what is due, each user told of their own, and nothing before its time', async () => {
        const [a, b] = [await send('ada', 2), await send('bob')];
        await sql`select tidings.snooze_notification(n.user_id, n.id, now() + interval '1 h') from tidings.notification n`;
        expect(await wake()).toBe(0);
        await sql`update tidings.notification set snoozed_until = now() where id <> ${a[1] ?? ''}`;
        const told = await appended(sql, async () => expect(await wake()).toBe(2));
        expect(told).toEqual([
            { topic: 'user:ada', event: 'notification.created', data: { id: a[0] } },
            { topic: 'user:bob', event: 'notification.created', data: { id: b[0] } },
        ]);
        expect(await wake()).toBe(0);
        expect(await sql`select unread::int from tidings.notification_counts('ada')`).toEqual([{ unread: 1 }]);
    });

    test('takes a piece at a time', async () => {
        await send('ada', 5);
        await sql`update tidings.notification set snoozed_until = now()`;
        expect([await wake(2), await wake(2), await wake(2), await wake(2)]).toEqual([2, 2, 1, 0]);
    });

    test('is done by one at a time, and waits for nobody', async () => {
        const [first] = await send('ada', 2);
        await sql`update tidings.notification set snoozed_until = now()`;
        const user = await sql.reserve();
        await user`begin`;
        await user`select from tidings.notification where id = ${first ?? ''} for update`;
        await servers[1]`begin`;
        expect(await wake(1000, servers[1])).toBe(1);
        expect(await wake()).toBe(0);
        await servers[1]`rollback`;
        await user`rollback`;
        user.release();
        expect(await wake()).toBe(2);
    });

    test('finds what is due by index, however much there is', async () => {
        await sql`
            insert into tidings.notification (user_id, type, event_id, snoozed_until)
            select 'u' || g % 100, 'note.made', g, case when g % 1000 = 0 then now() end from generate_series(1, 20000) g`;
        await sql`analyze tidings.notification`;
        const plan =
            await sql`explain select n.id from tidings.notification n where n.snoozed_until <= now() order by n.snoozed_until limit 1000 for update skip locked`;
        expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('notification_snoozed_idx');
    });
});

describe('purge_notifications', () => {
    test('deletes what is older, whatever became of it, a piece at a time', async () => {
        await send('ada', 5);
        await sql`select tidings.archive_notification('ada', n.id) from tidings.notification n limit 2`;
        await age(91);
        await send('ada');
        expect([await purge(3), await purge(3), await purge(3)]).toEqual([3, 2, 0]);
        expect(await left()).toBe(1);
    });

    test('tells nobody', async () => {
        await send('ada', 3);
        await age(91);
        expect(await appended(sql, () => purge())).toEqual([]);
    });

    test('leaves what somebody is at, and is done by one at a time', async () => {
        const [first] = await send('ada', 3);
        await age(91);
        const user = await sql.reserve();
        await user`begin`;
        await user`select tidings.mark_read('ada', array[${first ?? ''}]::uuid[])`;
        await servers[1]`begin`;
        expect(await purge(5000, servers[1])).toBe(2);
        expect(await purge()).toBe(0);
        await servers[1]`commit`;
        await user`commit`;
        user.release();
        expect(await purge()).toBe(1);
    });

    test('of thousands holds its locks for a moment only', async () => {
        await sql`
            insert into tidings.notification (user_id, type, group_key, event_id, created_at)
            select 'u' || g % 100, 'note.made', 'g' || g % 7, g, now() - interval '91 days' from generate_series(1, 6000) g`;
        const begunMs = performance.now();
        expect(await purge()).toBe(5000);
        expect(performance.now() - begunMs).toBeLessThan(1000);
        expect(await purge()).toBe(1000);
    });
});

test('one who marks an inbox and one who marks its entries never wait for each other in a circle', async () => {
    const ids = await send('ada', 300);
    const shuffled = [...ids].sort();
    const marks = Array.from({ length: 20 }, (_, n) => [
        sql`select tidings.mark_read('ada', ${sql.array(shuffled)}::uuid[], ${n % 2 === 0})`,
        sql`select tidings.mark_until('ada', 'read')`,
        sql`select tidings.archive_notification('ada', ${ids[n] ?? ''})`,
    ]).flat();
    await Promise.all(marks);
});

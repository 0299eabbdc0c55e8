/** The chores of whole servers: what they bring about is heard on any other, and one that fails stops nothing. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';

const BOB = '00000000-0000-4000-8000-000000000102';
const PROJECT = '00000000-0000-4000-8000-000000000201';

let database: TestDatabase;
let sql: Sql;
let server: TestServer;

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    await sql`delete from tidings.notification`;
    await sql`update app.tasks set due_at = null`;
    server = await startTestServer(database.url);
});
afterEach(closeSockets);
afterAll(async () => {
    await server.stop();
    await database.close();
});

/** The chores of a server that has just started, done while `server` runs. */
async function doChores(options: TestServerOptions = {}): Promise<void> {
    const other = await startTestServer(database.url, options);
    await other.stop();
}

test('a snoozed notification that is due comes back to its user’s bell', async () => {
    // Joined first: the chores of `server` itself may still be under way.
    const bob = await server.join(BOB);
    await sql`select tidings.send_notification(array[${BOB}], 'note.made')`;
    await bob.next({ event: 'notification.created' });
    await sql`update tidings.notification set read_at = now(), seen_at = now(), snoozed_until = now() - interval '1 s'`;
    await doChores();
    expect(await bob.next({ event: 'notification.created' })).toMatchObject({
        topic: `user:${BOB}`,
        data: {
            notification: { type: 'note.made', readAt: null, snoozedUntil: null },
            counts: { unread: 1, unseen: 1 },
        },
    });
});

test('notifications go when they are as old as the setting says', async () => {
    await sql`update tidings.notification set created_at = now() - interval '8 days'`;
    const count = async () => (await sql`select count(*)::int as n from tidings.notification`)[0]?.['n'];
    await doChores({ env: { NOTIFICATION_RETENTION_DAYS: '9' } });
    expect(await count()).toBe(1);
    await doChores({ env: { NOTIFICATION_RETENTION_DAYS: '7' } });
    expect(await count()).toBe(0);
});

test('the example tells of a task that is due, once however many servers there are; the engine alone does not', async () => {
    const [task] = await sql<{ id: string }[]>`
        update app.tasks set due_at = now() + interval '1 h', assignee_id = ${BOB}, status = 'todo'
        where id = (select t.id from app.tasks t where t.project_id = ${PROJECT} limit 1) returning id`;
    await sql`delete from tidings.notification`;
    const told = async () => [
        ...(await sql`select user_id, type, payload ->> 'taskId' as task from tidings.notification`),
    ];
    await doChores({ env: { EXAMPLE: 'false' } });
    expect(await told()).toEqual([]);
    await Promise.all([doChores(), doChores()]);
    expect(await told()).toEqual([{ user_id: BOB, type: 'task.due', task: task?.id }]);
});

test('a chore that fails is observed, and the others are done', async () => {
    await sql`select tidings.send_notification(array[${BOB}], 'note.made')`;
    await sql`update tidings.notification set created_at = now() - interval '91 days'`;
    await sql`alter function tidings.wake_snoozed(integer) rename to wake_snoozed_not`;
    const other = await startTestServer(database.url);
    expect(await other.observed({ type: 'service.failed' })).toMatchObject({ service: 'housekeeping: snoozed' });
    expect((await fetch(`${other.url}/readyz`)).status).toBe(200);
    await other.stop();
    await sql`alter function tidings.wake_snoozed_not(integer) rename to wake_snoozed`;
    expect(await sql`select from tidings.notification where created_at < now() - interval '90 days'`).toHaveLength(0);
});

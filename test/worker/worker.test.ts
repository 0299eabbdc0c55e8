/** Whole servers that mail by themselves: at once what is to be told at once, each mail once, whatever ends meanwhile. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { USERS } from '../example/example-api.ts';
import { type Smtp, startSmtp } from '../mail/smtp.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';

const WITHIN_MS = 12_000;

let database: TestDatabase;
let sql: Sql;
let smtp: Smtp;
const servers: TestServer[] = [];

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    await sql`select tidings.notification_type('alarm', title => 'Alarm {n}', critical => true)`;
});

beforeEach(async () => {
    smtp = await startSmtp();
});

afterEach(async () => {
    await closeSockets();
    smtp.cut();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await smtp.close();
    // What a test left behind is nothing to the next one.
    await sql`update tidings.digest set state = 'skipped' where state in ('claimed', 'sending')`;
    await sql`select tidings.mark_all_read(u.id::text) from app.users u`;
});

afterAll(() => database.close());

async function start(env: TestServerOptions['env'] = {}, url = database.url): Promise<TestServer> {
    const server = await startTestServer(url, {
        env: {
            SMTP_URL: smtp.url,
            MAIL_FROM: 'no-reply@tasks.example.com',
            PUBLIC_URL: 'https://tasks.example.com',
            INSTANT_MAIL_DELAY_MS: '0',
            INSTANT_MAIL_INTERVAL_MS: '1000',
            ...env,
        },
    });
    servers.push(server);
    return server;
}

/** Tells somebody something that is mailed at once if `type` is; the entry's id. */
async function tell(userId: string, type = 'alarm'): Promise<string> {
    await sql`select tidings.send_notification(array[${userId}], ${type}, '{"n": 1}')`;
    const [row] = await sql<{ id: string }[]>`
        select n.id from tidings.notification n where n.user_id = ${userId} order by n.created_at desc, n.id desc limit 1`;
    return row?.id ?? '';
}

const ended = (server: TestServer, userId: string, state: string) =>
    server.observed({ type: 'mail.ended', kind: 'instant', userId, state }, WITHIN_MS);

describe('what is to be told at once', () => {
    test('is mailed within seconds: what is critical, and what its reader wants at once', async () => {
        const server = await start();
        await sql`select tidings.set_preference(${USERS.bob}, 'task.overdue', 'email', 'instant')`;
        await tell(USERS.ada);
        await ended(server, USERS.ada, 'sent');
        await tell(USERS.bob, 'task.overdue');
        await tell(USERS.cyd, 'task.overdue');
        await ended(server, USERS.bob, 'sent');
        expect(smtp.recipients).toEqual(['ada@example.com', 'bob@example.com']);
        expect(smtp.arrived[0]).toContain('Subject: Alarm 1');
        expect(smtp.arrived[1]).toContain('unsubscribe?token=');
    });

    test('is not mailed to who has read it before', async () => {
        const server = await start({ INSTANT_MAIL_DELAY_MS: '1500' });
        const socket = await server.join(USERS.ada, `user:${USERS.ada}`);
        const id = await tell(USERS.ada);
        await socket.next({ type: 'event' }, WITHIN_MS);
        expect(await server.call(USERS.ada, 'PATCH', `/notifications/${id}/read`)).toMatchObject({ status: 200 });
        const end = await ended(server, USERS.ada, 'skipped');
        expect(end).toMatchObject({ outcome: 'skipped', reason: 'nothing left to tell' });
        expect(smtp.connections()).toBe(0);
    });

    test('is mailed once by two servers', async () => {
        const [one, other] = [await start(), await start()];
        for (const userId of [USERS.ada, USERS.bob, USERS.cyd]) {
            await tell(userId);
            await Promise.any([ended(one, userId, 'sent'), ended(other, userId, 'sent')]);
        }
        expect(smtp.recipients).toEqual(['ada', 'bob', 'cyd'].map((name) => `${name}@example.com`));
    });

    test('is mailed by the server that is left', async () => {
        const [one, other] = [await start(), await start()];
        await tell(USERS.ada);
        await Promise.any([ended(one, USERS.ada, 'sent'), ended(other, USERS.ada, 'sent')]);
        await one.stop();
        await tell(USERS.bob);
        await ended(other, USERS.bob, 'sent');
        expect(smtp.recipients).toEqual(['ada@example.com', 'bob@example.com']);
    });
});

test('the worker goes on when its connections were ended', async () => {
    const server = await start();
    await tell(USERS.ada);
    // Right now it notes what it did, and what it is to do next.
    await ended(server, USERS.ada, 'sent');
    const cut = await sql`
        select pg_terminate_backend(a.pid) from pg_stat_activity a
        where a.datname = ${database.name} and a.application_name = 'tidings worker'`;
    expect(cut.length).toBeGreaterThan(0);
    await tell(USERS.bob);
    await ended(server, USERS.bob, 'sent');
    expect(smtp.recipients).toEqual(['ada@example.com', 'bob@example.com']);
});

test('the worker goes on when its connection ended as it asked for its next turn', async () => {
    const server = await start();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
        letGo = resolve;
    });
    let holding: Promise<unknown> | undefined;
    smtp.behave({
        data: () =>
            new Promise<void>((resolve) => {
                smtp.behave({});
                holding = sql.begin(async (tx) => {
                    await tx`select from graphile_worker._private_jobs j for update`;
                    resolve();
                    await held;
                });
            }),
    });
    await tell(USERS.ada);
    await ended(server, USERS.ada, 'sent');
    const cut = () => sql`
        select pg_terminate_backend(a.pid) from pg_stat_activity a
        where a.datname = ${database.name} and a.application_name = 'tidings worker'
            and a.query ~ 'add_job' and a.wait_event_type = 'Lock'`;
    await expect.poll(cut, { timeout: WITHIN_MS }).not.toHaveLength(0);
    letGo();
    await holding;
    await tell(USERS.bob);
    await ended(server, USERS.bob, 'sent');
    expect(smtp.recipients).toEqual(['ada@example.com', 'bob@example.com']);
});

describe('the cron', () => {
    const crontabs = () =>
        sql`select c.identifier from graphile_worker._private_known_crontabs c order by 1`.then((rows) =>
            rows.map((row) => row['identifier']),
        );
    const jobs = () => sql`select j.task_identifier, j.key from graphile_worker.jobs j order by 1`;

    test('is one of all servers', async () => {
        const [one, other] = [await start(), await start()];
        await tell(USERS.ada);
        await Promise.any([ended(one, USERS.ada, 'sent'), ended(other, USERS.ada, 'sent')]);
        expect(await crontabs()).toEqual(['tidings.delivery', 'tidings.digests', 'tidings.instant']);
        const queued = await jobs();
        expect(
            queued.filter((job) => job['task_identifier'] === 'tidings.instant' && job['key'] !== null),
        ).toHaveLength(1);
    });

    test('has daily mails claimed and sent once by two servers', async () => {
        const [one, other] = [await start(), await start()];
        await tell(USERS.ada, 'task.overdue');
        await sql`update tidings.notification set created_at = now() - interval '1 day' where digest_id is null`;
        // As the cron does at its minute.
        await sql`select graphile_worker.add_job('tidings.digests', job_key => 'tidings.digests', max_attempts => 1)`;
        const sent = (server: TestServer) =>
            server.observed({ type: 'mail.ended', kind: 'daily', userId: USERS.ada, state: 'sent' }, WITHIN_MS);
        await Promise.any([sent(one), sent(other)]);
        expect(smtp.recipients).toEqual(['ada@example.com']);
    });
});

/** Somebody who may write the example's tables and nothing else: all triggers work for them, and they learn and reach nothing by it. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOBILE, seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;
let writer: Sql;
let role: string;

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    role = `${database.name}_writer`;
    await sql.unsafe(`
        create role ${role} login; grant usage on schema app to ${role};
        grant insert, update, delete, truncate on all tables in schema app to ${role};
        -- What a where clause reads; comments and members are written blind.
        grant select on app.tasks, app.projects to ${role}`);
    writer = postgres(database.url, { max: 1, onnotice: () => {} });
    await writer.unsafe(`set session authorization ${role}`);
});

afterAll(async () => {
    await writer.end({ timeout: 1 });
    await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await database.close();
});

type Told = { readonly topic: string; readonly event: string };

/** What the log has of a piece of work. */
async function toldOf(work: () => Promise<unknown>): Promise<readonly string[]> {
    const [before] = await sql<{ id: string }[]>`select coalesce(max(id), 0) as id from tidings.event`;
    await work();
    const rows = await sql<Told[]>`
        select case when topic = ${`project:${WEBSITE}`} then 'website' else split_part(topic, ':', 1) end as topic, event
        from tidings.event where id > ${before?.id ?? 0} order by id`;
    return rows.map(({ topic, event }) => `${topic} ${event}`);
}

describe('a writer without a right on the engine', () => {
    test('writes every table, with events, access rows and notifications', async () => {
        const told = await toldOf(() =>
            writer.begin(async (tx) => {
                await tx`insert into app.tasks (project_id, title, assignee_id) values (${WEBSITE}, 'By SQL', ${USERS.dee})`;
                await tx`update app.tasks set title = 'Other' where title = 'By SQL'`;
                await tx`insert into app.comments (project_id, task_id, author_id, body)
                    values (${WEBSITE}, ${seededTask(1, 1)}, ${USERS.dee}, 'See @eve')`;
                await tx`insert into app.time_entries (project_id, task_id, user_id) values (${WEBSITE}, ${seededTask(1, 1)}, ${USERS.dee})`;
                await tx`insert into app.project_members (project_id, user_id, role) values (${WEBSITE}, ${USERS.fay}, 'viewer')`;
                await tx`update app.projects set name = 'Site' where id = ${WEBSITE}`;
                await tx`delete from app.tasks where title = 'Other'`;
            }),
        );
        expect(told.filter((line) => !line.startsWith('user notification'))).toEqual([
            'website task.created',
            'website task.updated',
            'website task.commented',
            'website time.started',
            'tidings tidings.access',
            'website member.added',
            'user project.joined',
            'website project.updated',
            'website task.deleted',
        ]);
        expect(told.filter((line) => line === 'user notification.created').length).toBeGreaterThanOrEqual(3);
        expect(await sql`select message from tidings.capture_error`).toEqual([]);
    });

    test.each([
        ...[
            'event',
            'stream',
            'notification',
            'preference',
            'capture_error',
            'secret',
            'tracked',
            'topic_kinds',
            'run',
        ].map((table) => `select * from tidings.${table}`),
        `select tidings.may_read('{${USERS.ada}}', '{project:${MOBILE}}')`,
        `select app.can_read_project('${USERS.ada}', '${MOBILE}')`,
        `select app.project_role('${USERS.ada}', '${MOBILE}')`,
        `select app.followers_of_task('${seededTask(2, 1)}')`,
        `select app.mentioned('@ada')`,
        `select tidings.people_of('{${USERS.ada}}')`,
        `select tidings.head('project:${MOBILE}')`,
        `select tidings.pin(null, null, null)`,
        `select tidings.read_stream(null, null)`,
        `select tidings.diagnose(now())`,
        'select * from app.comments',
        'select * from app.users',
        `insert into app.project_members (project_id, user_id, role) values ('${WEBSITE}', '${USERS.hal}', 'viewer') returning user_id`,
        `update app.comments set body = body where body like '%secret%'`,
        ...['emit', 'track', 'untrack', 'disconnect', 'access_changed', 'forget', 'suppress', 'people'].map(
            (verb) => `select tidings.${verb}('x')`,
        ),
        `select tidings.send_notification('{42}', 'a.b')`,
        `select tidings.ring()`,
        `select tidings.stay_awake()`,
        'do $$ begin lock table tidings.runner in exclusive mode; end $$',
        'do $$ begin lock table tidings.event in share mode; end $$',
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'`,
        `alter table app.tasks disable trigger all`,
        `set session_replication_role = replica`,
        `drop trigger tidings_task_insert on app.tasks`,
        `create trigger mine after insert on app.tasks for each statement execute function tidings.ring()`,
    ])('may not: %s', async (statement) => {
        await expect(writer.unsafe(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^42(501|883)$/) });
    });

    test('sees no statement of the engine’s sessions', async () => {
        const rows =
            await writer`select query from pg_stat_activity where usename <> current_user and query <> '<insufficient privilege>' and query is not null`;
        expect(rows).toEqual([]);
    });

    test('says who acts, by design, but neither for whom nor as the engine', async () => {
        await toldOf(() =>
            writer.begin(async (tx) => {
                await tx`select set_config('tidings.actor', ${USERS.ada}, true), set_config('tidings.request_id', ${'r\r\n1'}, true),
                    set_config('tidings.traceparent', ${'<b>'}, true), set_config('tidings.wake', 'poll', true)`;
                await tx`update app.tasks set title = 'As ada' where id = ${seededTask(1, 2)}`;
            }),
        );
        const rows = await sql`select actor_id, request_id, traceparent from tidings.event order by id desc limit 1`;
        expect(rows).toEqual([{ actor_id: USERS.ada, request_id: null, traceparent: null }]);
    });

    test('is shown nothing of others by an error of capture, not even a strict one', async () => {
        await sql`insert into app.comments (project_id, task_id, author_id, body)
            values (${MOBILE}, ${seededTask(2, 1)}, ${USERS.cyd}, 'the secret word is xyzzy')`;
        const looks = `'project:' || (select c.body::int from app.comments c where c.body like '%xyzzy%')`;
        // Each names a row that the writer may not read, in an expression that fails on it.
        for (const strict of [false, true]) {
            await sql`select tidings.track('app.projects', name => 'leaky', topic => ${`case when r.id is not null then ${looks} end`}, strict => ${strict})`;
            const notices: string[] = [];
            const careful = postgres(database.url, {
                max: 1,
                onnotice: (notice) => notices.push(JSON.stringify(notice)),
            });
            await careful.unsafe(`set session authorization ${role}; set client_min_messages = debug5`);
            const error =
                await careful`update app.projects set description = ${`d ${strict}`} where id = ${WEBSITE}`.then(
                    () => null,
                    (thrown: unknown) => thrown,
                );
            await careful.end();
            expect([strict, error !== null]).toEqual([strict, strict]);
            // What a strict tracking's owner put into the expression is the owner's to answer for: its message goes to the writer.
            if (!strict) expect(notices.join()).not.toContain('xyzzy');
        }
        await sql`select tidings.untrack('app.projects', 'leaky')`;
        expect((await sql`select message from tidings.capture_error`).join()).not.toBe('');
    });
});

describe('a setting of the writer’s session', () => {
    test.each([
        ['standard_conforming_strings', 'off'],
        ['backslash_quote', 'off'],
        ['bytea_output', 'escape'],
        ['DateStyle', 'German'],
        ['TimeZone', 'Pacific/Apia'],
        ['xmlbinary', 'hex'],
        ['plpgsql.extra_errors', 'all'],
        ['plpgsql.variable_conflict', 'use_column'],
        ['search_path', 'app'],
        ['role', 'none'],
        ['array_nulls', 'off'],
        ['transform_null_equals', 'on'],
        ['row_security', 'off'],
        ['check_function_bodies', 'off'],
    ])('%s = %s changes nothing of what is told', async (name, value) => {
        await sql.unsafe(`
            drop table if exists app.settings_doc;
            create table app.settings_doc (id int primary key, project text, at timestamptz, n numeric, f float8, b bytea, d date);
            grant insert on app.settings_doc to ${role};
            select tidings.track('app.settings_doc', entity => 'doc',
                topic => $$'project:' || case when r.project ~ '^\\d+$' and 'a\\' <> r.project then r.project end$$)`);
        const tell = async (session: Sql) => {
            await session`insert into app.settings_doc values (1, '17', '2026-01-01 00:00+00', 1.5, 0.1::float8 + 0.2, decode('00ff', 'hex'), '2026-02-01')`;
            const [row] = await sql`select topic, event, data from tidings.event order by id desc limit 1`;
            await sql`delete from app.settings_doc`;
            return row;
        };
        const plain = await tell(sql);
        const session = postgres(database.url, { max: 1, onnotice: () => {} });
        await session.unsafe(`set session authorization ${role}; set ${name} = '${value}'`);
        const odd = await tell(session);
        await session.end();
        expect(odd).toEqual(plain);
        expect(odd).toMatchObject({ topic: 'project:17', event: 'doc.created' });
    });
});

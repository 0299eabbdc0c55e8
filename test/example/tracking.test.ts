/** What a write to the example's tables leaves in the log: names, topics and data to the letter, access rows first. */

import { readFile } from 'node:fs/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { MOBILE, seededTask, USERS, WEBSITE } from './example-api.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
});
afterAll(() => database.close());

type Logged = { readonly topic: string; readonly event: string; readonly data: unknown };

const ON_WEBSITE = `project:${WEBSITE}`;
const ON_MOBILE = `project:${MOBILE}`;

/** The events that `write` makes, in order. */
async function eventsOf(write: () => PromiseLike<unknown>): Promise<readonly Logged[]> {
    const [mark] = await sql<{ id: string }[]>`select coalesce(max(e.id), 0) as id from tidings.event e`;
    await write();
    expect(await sql`select * from tidings.capture_error`).toEqual([]);
    return [
        ...(await sql<Logged[]>`
            select e.topic, e.event, e.data from tidings.event e where e.id > ${mark?.id ?? 0} order by e.id
        `),
    ];
}

function access(handle: keyof typeof USERS, topic: string | null, reason = 'revoked'): Logged {
    const snapshot = expect.any(String);
    return { topic: 'tidings:access', event: 'tidings.access', data: { user: USERS[handle], topic, reason, snapshot } };
}

/** News of a user's inbox, which stands behind what it tells of. */
function news(handle: keyof typeof USERS): Logged {
    return { topic: `user:${USERS[handle]}`, event: 'notification.created', data: { id: expect.any(String) } };
}

/** Access rows of one statement have no order among them. */
function byUser(events: readonly Logged[]): readonly Logged[] {
    return [...events].sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

test('task.created, task.updated and task.deleted', async () => {
    const id = '00000000-0000-4000-8000-00000000a001';
    const created = await eventsOf(
        () => sql`
            insert into app.tasks (id, project_id, title, due_at)
            values (${id}, ${WEBSITE}, 'Hang', '2026-12-01 09:00:00.1239+01')
        `,
    );
    const row = { id, projectId: WEBSITE };
    const shown = { title: 'Hang', status: 'todo', assigneeId: null, dueAt: '2026-12-01T08:00:00.123Z', version: 1 };
    expect(created).toEqual([{ topic: ON_WEBSITE, event: 'task.created', data: { ...row, ...shown } }]);

    const updated = await eventsOf(
        () => sql`update app.tasks set status = 'doing', assignee_id = ${USERS.cyd}, title = 'Hang' where id = ${id}`,
    );
    const changes = { status: 'doing', assigneeId: USERS.cyd };
    expect(updated).toEqual([
        { topic: ON_WEBSITE, event: 'task.updated', data: { ...row, version: 2, changes } },
        news('cyd'),
    ]);

    const deleted = await eventsOf(() => sql`delete from app.tasks where id = ${id}`);
    expect(deleted).toEqual([{ topic: ON_WEBSITE, event: 'task.deleted', data: row }]);
});

test('an update that changes nothing makes no event but counts as a version', async () => {
    const id = seededTask(1, 1);
    expect(await eventsOf(() => sql`update app.tasks set title = title, version = 99 where id = ${id}`)).toEqual([]);
    const [task] = await sql`select version, updated_at > created_at as touched from app.tasks where id = ${id}`;
    expect(task).toEqual({ version: 2, touched: true });
});

test('a task that moves is deleted on one topic and created on the other, and takes comments and times along', async () => {
    const id = seededTask(1, 3);
    const moved = await eventsOf(() => sql`update app.tasks set project_id = ${MOBILE} where id = ${id}`);
    expect(moved.map(({ topic, event }) => [topic, event])).toEqual([
        [ON_WEBSITE, 'task.deleted'],
        [ON_MOBILE, 'task.created'],
    ]);
    expect(moved[0]?.data).toEqual({ id, projectId: WEBSITE });
    expect(moved[1]?.data).toMatchObject({ id, projectId: MOBILE, version: 2, title: 'Fix the sign-up form' });
});

test('task.commented, with an excerpt of 140 characters', async () => {
    const id = '00000000-0000-4000-8000-00000000c001';
    const body = '😀'.repeat(141);
    const events = await eventsOf(
        () => sql`
            insert into app.comments (id, project_id, task_id, author_id, body)
            values (${id}, ${WEBSITE}, ${seededTask(1, 1)}, ${USERS.dee}, ${body})
        `,
    );
    const data = { id, taskId: seededTask(1, 1), projectId: WEBSITE, excerpt: '😀'.repeat(140) };
    // bob made the task and nobody is to do it; dee, who wrote this, is told nothing.
    expect(events).toEqual([{ topic: ON_WEBSITE, event: 'task.commented', data }, news('bob')]);
});

test('project.updated', async () => {
    const events = await eventsOf(
        () => sql`update app.projects set name = 'Web', description = description where id = ${WEBSITE}`,
    );
    expect(events).toEqual([
        { topic: ON_WEBSITE, event: 'project.updated', data: { id: WEBSITE, changes: { name: 'Web' } } },
    ]);
});

test('member.added, member.updated and member.removed, project.joined and project.left, after the access row', async () => {
    const userId = USERS.fay;
    const member = () => sql`project_id = ${WEBSITE} and user_id = ${userId}`;
    const row = access('fay', ON_WEBSITE);
    const added = await eventsOf(
        () => sql`insert into app.project_members (project_id, user_id, role) values (${WEBSITE}, ${userId}, 'viewer')`,
    );
    expect(added).toEqual([
        row,
        { topic: ON_WEBSITE, event: 'member.added', data: { userId, role: 'viewer' } },
        { topic: `user:${userId}`, event: 'project.joined', data: { projectId: WEBSITE, role: 'viewer' } },
        news('fay'),
    ]);
    expect(await eventsOf(() => sql`update app.project_members set role = 'editor' where ${member()}`)).toEqual([
        row,
        { topic: ON_WEBSITE, event: 'member.updated', data: { userId, role: 'editor' } },
    ]);
    expect(await eventsOf(() => sql`update app.project_members set role = role where ${member()}`)).toEqual([]);
    expect(await eventsOf(() => sql`delete from app.project_members where ${member()}`)).toEqual([
        row,
        { topic: ON_WEBSITE, event: 'member.removed', data: { userId } },
        { topic: `user:${userId}`, event: 'project.left', data: { projectId: WEBSITE } },
    ]);
});

test('time.started and time.stopped, with seconds on the latter only', async () => {
    const id = '00000000-0000-4000-8000-00000000e001';
    const data = { id, taskId: seededTask(1, 1), projectId: WEBSITE, userId: USERS.cyd };
    const started = await eventsOf(
        () => sql`
            insert into app.time_entries (id, project_id, task_id, user_id, started_at)
            values (${id}, ${WEBSITE}, ${seededTask(1, 1)}, ${USERS.cyd}, '2026-11-22 10:00:00+00')
        `,
    );
    expect(started).toEqual([{ topic: ON_WEBSITE, event: 'time.started', data }]);
    const stopped = await eventsOf(
        () => sql`update app.time_entries set stopped_at = '2026-11-22 10:01:30.9+00' where id = ${id}`,
    );
    expect(stopped).toEqual([{ topic: ON_WEBSITE, event: 'time.stopped', data: { ...data, seconds: 90 } }]);
    const corrected = await eventsOf(
        () => sql`update app.time_entries set started_at = '2026-11-22 09:59:00+00' where id = ${id}`,
    );
    expect(corrected).toEqual([]);
    expect(await eventsOf(() => sql`delete from app.time_entries where id = ${id}`)).toEqual([]);
});

test('who becomes an admin, ceases to be one, changes organisation or goes is looked at again', async () => {
    const everything = [access('jon', null)];
    const update = (set: ReturnType<typeof sql>) =>
        eventsOf(() => sql`update app.users set ${set} where id = ${USERS.jon}`);
    expect(await update(sql`organisation_role = 'admin'`)).toEqual(everything);
    expect(await update(sql`organisation_role = 'member'`)).toEqual(everything);
    expect(await update(sql`organisation_id = '00000000-0000-4000-8000-000000000001'`)).toEqual(everything);
    expect(await update(sql`name = 'Jon J.'`)).toEqual([]);
    const gone = await eventsOf(() => sql`delete from app.users where id = ${USERS.jon}`);
    expect(gone).toContainEqual(access('jon', null));
});

test('a project that is deleted tells its readers first, then everything in it goes', async () => {
    await sql`insert into app.projects (id, organisation_id, name) values ('00000000-0000-4000-8000-0000000002aa', '00000000-0000-4000-8000-000000000001', 'Brief')`;
    const projectId = '00000000-0000-4000-8000-0000000002aa';
    await sql`
        insert into app.project_members (project_id, user_id, role)
        values (${projectId}, ${USERS.bob}, 'owner'), (${projectId}, ${USERS.eve}, 'viewer')
    `;
    await sql`insert into app.tasks (project_id, title) values (${projectId}, 'One')`;
    const events = await eventsOf(() => sql`delete from app.projects where id = ${projectId}`);
    const topic = `project:${projectId}`;
    expect(byUser(events.slice(0, 3))).toEqual(
        byUser((['ada', 'bob', 'eve'] as const).map((handle) => access(handle, topic, 'deleted'))),
    );
    const names = events.slice(3).map(({ event }) => event);
    expect(names.sort()).toEqual(
        ['member.removed', 'member.removed', 'project.deleted', 'project.left', 'project.left', 'task.deleted'].sort(),
    );
    expect(events).toContainEqual({ topic, event: 'project.deleted', data: { id: projectId } });
});

test('a writer needs no right on the engine', async () => {
    const role = `writer_${database.name}`;
    await sql.unsafe(`create role ${role}`);
    await sql.unsafe(`grant usage on schema app to ${role}; grant all on all tables in schema app to ${role}`);
    try {
        const events = await eventsOf(() =>
            sql.begin(async (tx) => {
                await tx.unsafe(`set local role ${role}`);
                await tx`update app.project_members set role = 'editor' where user_id = ${USERS.dee} and project_id = ${WEBSITE}`;
            }),
        );
        expect(events.map(({ event }) => event)).toEqual(['tidings.access', 'member.updated']);
    } finally {
        await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    }
});

test('emptying a table that grants access has everyone looked at again', async () => {
    const events = await eventsOf(() => sql`truncate app.project_members`);
    const users = await sql`select from app.users`;
    expect(events.filter(({ event }) => event === 'tidings.access')).toHaveLength(users.length);
});

test('declarations and seed are idempotent', async () => {
    const fileOf = (name: string) => readFile(new URL(`../../db/example/${name}`, import.meta.url), 'utf8');
    const apply = async (name: string) => {
        const text = await fileOf(name);
        await sql.begin(async (tx) => {
            await tx.unsafe(`set local role tidings_owner; ${text}`);
        });
    };
    const triggers = () => sql`select tgrelid::regclass::text, tgname, tgfoid::int8 from pg_trigger order by 1, 2`;
    const before = await triggers();
    await apply('functions/tracking.sql');
    expect(await triggers()).toEqual(before);
    await apply('seed.sql');
    expect(await eventsOf(() => apply('seed.sql'))).toEqual([]);
});

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOBILE, seededTask, USERS, WAREHOUSE, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { type Reply, startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { openWitnesses, type Told, type Witnesses } from './witnesses.ts';

/** Of Acme, with dee owner, eve editor, bob viewer. */
const OPERATIONS = '00000000-0000-4000-8000-000000000203';
const [ON_WEBSITE, ON_MOBILE, ON_OPERATIONS, ON_WAREHOUSE] = [WEBSITE, MOBILE, OPERATIONS, WAREHOUSE].map(
    (id) => `project:${id}`,
) as [string, string, string, string];
const ON_BOB = `user:${USERS.bob}`;
const ON_FAY = `user:${USERS.fay}`;
const ANY_ID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const ANY_MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let database: TestDatabase;
/** One session, as psql has it. */
let session: Sql;
let server: TestServer;
let witnesses: Witnesses;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    session = postgres(database.url, { max: 1, onnotice: () => {} });
    // What the seed told of is read, so that inboxes begin empty.
    await database.sql`select app.notify_due_tasks(), tidings.mark_all_read(u.id::text) from app.users u`;
    server = await startTestServer(database.url);
    witnesses = await openWitnesses(server, database.sql, {
        [USERS.ada]: [ON_WEBSITE, ON_MOBILE, ON_OPERATIONS],
        [USERS.bob]: [ON_WEBSITE],
        [USERS.fay]: [],
        [USERS.gus]: [ON_WAREHOUSE],
    });
});
afterAll(async () => {
    await closeSockets();
    await server.stop();
    await session.end();
    await database.close();
});

/** What `notification.created` carries for the first entries of an inbox: all fields, those of a new entry if not given. */
function news(count: number, entry: Readonly<Record<string, unknown>>): unknown {
    const states = { seenAt: null, readAt: null, archivedAt: null, snoozedUntil: null };
    const fresh = { id: ANY_ID, createdAt: ANY_MOMENT, count: 1, body: null, groupKey: null, ...states };
    return { notification: { ...fresh, ...entry }, counts: { unread: count, unseen: count } };
}

let requests = 0;

/** A request with an id and a trace of its own. */
async function ask(handle: keyof typeof USERS, method: string, path: string, body?: unknown): Promise<Reply> {
    requests += 1;
    const headers = { 'x-request-id': `request-${requests}`, traceparent: TRACE };
    const reply = await server.call(USERS[handle], method, path, { headers, ...(body === undefined ? {} : { body }) });
    expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
    return reply;
}

/** An event of the last request. */
function byRest(handle: keyof typeof USERS, event: string, data: unknown): Told {
    return { event, data, actorId: USERS[handle], requestId: `request-${requests}`, traceparent: TRACE };
}

/** An event of a statement that says nothing of itself. */
function bySql(event: string, data: unknown): Told {
    return { event, data, actorId: null };
}

/** As psql sends it: simple queries, one after the other in one session. */
function psql(text: string): PromiseLike<unknown> {
    return session.unsafe(text);
}

describe('by REST, with actor, request and trace', () => {
    const task = seededTask(1, 2);

    test('task.created', async () => {
        const body = { title: 'Proofread', assigneeId: USERS.dee, dueAt: '2026-12-01T09:00:00+01:00' };
        const reply = await witnesses.expectEvents(
            () => ask('cyd', 'POST', `/projects/${WEBSITE}/tasks`, body),
            (made) => ({
                [ON_WEBSITE]: [
                    byRest('cyd', 'task.created', {
                        id: made.body['id'],
                        projectId: WEBSITE,
                        title: 'Proofread',
                        status: 'todo',
                        assigneeId: USERS.dee,
                        dueAt: '2026-12-01T08:00:00.000Z',
                        version: 1,
                    }),
                ],
            }),
        );
        expect(reply.status).toBe(201);
    });

    test('task.updated, with what changed only', async () => {
        await witnesses.expectEvents(
            () =>
                ask('cyd', 'PATCH', `/tasks/${task}`, {
                    title: 'Choose two colours',
                    assigneeId: null,
                    dueAt: '2026-12-24T00:00:00.5Z',
                }),
            () => ({
                [ON_WEBSITE]: [
                    byRest('cyd', 'task.updated', {
                        id: task,
                        projectId: WEBSITE,
                        version: 2,
                        changes: {
                            title: 'Choose two colours',
                            assigneeId: null,
                            dueAt: '2026-12-24T00:00:00.500Z',
                        },
                    }),
                ],
            }),
        );
    });

    test('nothing for a change that changes nothing', async () => {
        await witnesses.expectEvents(
            () => ask('cyd', 'PATCH', `/tasks/${task}`, { title: 'Choose two colours' }),
            () => ({}),
        );
    });

    test('task.commented', async () => {
        const text = `${'long '.repeat(40)}"quoted" \\ \u2028 <b>`;
        await witnesses.expectEvents(
            () => ask('dee', 'POST', `/tasks/${task}/comments`, { body: text }),
            (made) => {
                const what = { taskId: task, projectId: WEBSITE, excerpt: text.slice(0, 140) };
                const entry = {
                    type: 'task.commented',
                    title: 'Dee Dahl commented on Choose two colours',
                    body: what.excerpt.trim(),
                    url: `/projects/${WEBSITE}/tasks/${task}`,
                    payload: { ...what, commentId: made.body['id'], title: 'Choose two colours' },
                    actorId: USERS.dee,
                    actors: [{ id: USERS.dee, name: 'Dee Dahl' }],
                    groupKey: `task.commented:${task}`,
                    topic: ON_WEBSITE,
                };
                return {
                    [ON_WEBSITE]: [byRest('dee', 'task.commented', { ...what, id: made.body['id'] })],
                    // Who made the task hears of it.
                    [ON_BOB]: [byRest('dee', 'notification.created', news(1, entry))],
                };
            },
        );
    });

    test('time.started and time.stopped', async () => {
        const entry = (made: Reply) => ({
            id: made.body['id'],
            taskId: task,
            projectId: WEBSITE,
            userId: USERS.dee,
        });
        await witnesses.expectEvents(
            () => ask('dee', 'POST', `/tasks/${task}/timer/start`),
            (made) => ({ [ON_WEBSITE]: [byRest('dee', 'time.started', entry(made))] }),
        );
        await witnesses.expectEvents(
            () => ask('dee', 'POST', `/tasks/${task}/timer/stop`),
            (made) => ({ [ON_WEBSITE]: [byRest('dee', 'time.stopped', { ...entry(made), seconds: 0 })] }),
        );
    });

    test('a task moved to another project: task.deleted there, task.created here', async () => {
        const moved = seededTask(1, 3);
        await witnesses.expectEvents(
            () => ask('cyd', 'PATCH', `/tasks/${moved}`, { projectId: MOBILE }),
            ({ body }) => ({
                [ON_WEBSITE]: [byRest('cyd', 'task.deleted', { id: moved, projectId: WEBSITE })],
                [ON_MOBILE]: [
                    byRest('cyd', 'task.created', {
                        id: moved,
                        projectId: MOBILE,
                        title: 'Fix the sign-up form',
                        status: 'todo',
                        assigneeId: null,
                        dueAt: body['dueAt'],
                        version: 2,
                    }),
                ],
            }),
        );
    });

    test('task.deleted, and nothing of the comments and times that go with it', async () => {
        await witnesses.expectEvents(
            () => ask('cyd', 'DELETE', `/tasks/${task}`),
            () => ({ [ON_WEBSITE]: [byRest('cyd', 'task.deleted', { id: task, projectId: WEBSITE })] }),
        );
    });

    test('project.updated', async () => {
        await witnesses.expectEvents(
            () => ask('bob', 'PATCH', `/projects/${WEBSITE}`, { name: 'Web', description: 'Pages.' }),
            () => ({
                [ON_WEBSITE]: [
                    byRest('bob', 'project.updated', {
                        id: WEBSITE,
                        changes: { name: 'Web', description: 'Pages.' },
                    }),
                ],
            }),
        );
    });

    test('member.added, updated and removed, and project.joined and left for whoever it is, subscribed to nothing', async () => {
        const path = `/projects/${WEBSITE}/members/${USERS.fay}`;
        const entry = {
            type: 'project.added',
            title: 'Bob Baker added you to Web',
            url: `/projects/${WEBSITE}`,
            payload: { projectId: WEBSITE, role: 'viewer', name: 'Web' },
            actorId: USERS.bob,
            actors: [{ id: USERS.bob, name: 'Bob Baker' }],
            topic: ON_WEBSITE,
        };
        await witnesses.expectEvents(
            () => ask('bob', 'PUT', path, { role: 'viewer' }),
            () => ({
                [ON_WEBSITE]: [byRest('bob', 'member.added', { userId: USERS.fay, role: 'viewer' })],
                [ON_FAY]: [
                    byRest('bob', 'project.joined', { projectId: WEBSITE, role: 'viewer' }),
                    byRest('bob', 'notification.created', news(1, entry)),
                ],
            }),
        );
        await witnesses.expectEvents(
            () => ask('bob', 'PUT', path, { role: 'editor' }),
            () => ({ [ON_WEBSITE]: [byRest('bob', 'member.updated', { userId: USERS.fay, role: 'editor' })] }),
        );
        await witnesses.expectEvents(
            () => ask('bob', 'DELETE', path),
            () => ({
                [ON_WEBSITE]: [byRest('bob', 'member.removed', { userId: USERS.fay })],
                [ON_FAY]: [byRest('bob', 'project.left', { projectId: WEBSITE })],
            }),
        );
    });

    test('a request that brings no id and no trace: the events carry what the answer tells', async () => {
        const [title, by] = ['Without headers', USERS.cyd];
        await witnesses.expectEvents(
            () => server.call(by, 'PATCH', `/tasks/${seededTask(1, 4)}`, { body: { title } }),
            ({ headers }) => ({
                [ON_WEBSITE]: [
                    {
                        event: 'task.updated',
                        data: { id: seededTask(1, 4), projectId: WEBSITE, version: 2, changes: { title } },
                        actorId: by,
                        requestId: headers.get('x-request-id'),
                        traceparent: headers.get('traceparent'),
                    },
                ],
            }),
        );
    });
});

describe('by plain SQL', () => {
    const id = '00000000-0000-4000-8000-00000000a001';
    const row = { id, projectId: MOBILE };

    test('task.created, task.updated and task.deleted of one transaction, in order', async () => {
        await witnesses.expectEvents(
            () =>
                psql(`begin;
                    insert into app.tasks (id, project_id, title) values ('${id}', '${MOBILE}', 'Short');
                    update app.tasks set status = 'doing', assignee_id = '${USERS.bob}' where id = '${id}';
                    update app.tasks set title = title where id = '${id}';
                    delete from app.tasks where id = '${id}';
                    commit`),
            () => ({
                [ON_MOBILE]: [
                    bySql('task.created', {
                        ...row,
                        title: 'Short',
                        status: 'todo',
                        assigneeId: null,
                        dueAt: null,
                        version: 1,
                    }),
                    bySql('task.updated', {
                        ...row,
                        version: 2,
                        changes: { status: 'doing', assigneeId: USERS.bob },
                    }),
                    bySql('task.deleted', row),
                ],
                [ON_BOB]: [
                    bySql(
                        'notification.created',
                        news(2, {
                            type: 'task.assigned',
                            title: 'Someone assigned you Short',
                            url: `/projects/${MOBILE}/tasks/${id}`,
                            payload: { taskId: id, projectId: MOBILE, title: 'Short' },
                            actorId: null,
                            actors: [],
                            groupKey: `task.assigned:${id}`,
                            topic: ON_MOBILE,
                        }),
                    ),
                ],
            }),
        );
    });

    test('nothing of a transaction that is rolled back', async () => {
        await witnesses.expectEvents(
            () => psql(`begin; update app.tasks set title = 'Never' where project_id = '${MOBILE}'; rollback`),
            () => ({}),
        );
    });

    test('the actor that `set local tidings.actor` names, for that transaction only', async () => {
        const task = seededTask(2, 1);
        const rename = (title: string) => `update app.tasks set title = '${title}' where id = '${task}'`;
        const data = (version: number, title: string) => ({ id: task, projectId: MOBILE, version, changes: { title } });
        const context = `set local tidings.actor = 'nightly|42'; set local tidings.request_id = 'job-7';
            set local tidings.traceparent = '${TRACE}'`;
        await witnesses.expectEvents(
            async () => {
                await psql(`begin; ${context}; ${rename('First')}; commit`);
                await psql(rename('Second'));
                await psql(`begin; set local tidings.actor = 'no "id" at all'; ${rename('Third')}; commit`);
            },
            () => ({
                [ON_MOBILE]: [
                    {
                        ...bySql('task.updated', data(2, 'First')),
                        actorId: 'nightly|42',
                        requestId: 'job-7',
                        traceparent: TRACE,
                    },
                    bySql('task.updated', data(3, 'Second')),
                    bySql('task.updated', data(4, 'Third')),
                ],
            }),
        );
    });

    test('task.commented, time.started and time.stopped', async () => {
        const task = seededTask(2, 4);
        const entry = { id, taskId: task, projectId: MOBILE, userId: USERS.bob };
        const told = {
            type: 'task.commented',
            title: 'Bob Baker commented on Push notifications',
            body: 'Noted',
            url: `/projects/${MOBILE}/tasks/${task}`,
            payload: {
                taskId: task,
                projectId: MOBILE,
                commentId: id,
                title: 'Push notifications',
                excerpt: 'Noted',
            },
            actorId: USERS.bob,
            actors: [{ id: USERS.bob, name: 'Bob Baker' }],
            groupKey: `task.commented:${task}`,
            topic: ON_MOBILE,
        };
        await witnesses.expectEvents(
            () =>
                psql(`insert into app.comments (id, project_id, task_id, author_id, body)
                        values ('${id}', '${MOBILE}', '${task}', '${USERS.bob}', 'Noted');
                    insert into app.time_entries (id, project_id, task_id, user_id, started_at)
                        values ('${id}', '${MOBILE}', '${task}', '${USERS.bob}', '2026-11-22 10:00:00+00');
                    update app.time_entries set stopped_at = '2026-11-22 10:01:30.9+00' where id = '${id}'`),
            () => ({
                [ON_MOBILE]: [
                    bySql('task.commented', { id, taskId: task, projectId: MOBILE, excerpt: 'Noted' }),
                    bySql('time.started', entry),
                    bySql('time.stopped', { ...entry, seconds: 90 }),
                ],
                // Who has commented before hears of it, from the author.
                [ON_FAY]: [{ ...bySql('notification.created', news(2, told)), actorId: USERS.bob }],
            }),
        );
    });

    test('project.updated, member.added, updated and removed, project.joined and left', async () => {
        const member = `project_id = '${MOBILE}' and user_id = '${USERS.bob}'`;
        const left = bySql('project.left', { projectId: MOBILE });
        await witnesses.expectEvents(
            () =>
                psql(`update app.projects set name = 'App' where id = '${MOBILE}';
                    delete from app.project_members where ${member};
                    insert into app.project_members (project_id, user_id, role) values ('${MOBILE}', '${USERS.bob}', 'viewer');
                    update app.project_members set role = 'editor' where ${member}`),
            () => ({
                [ON_MOBILE]: [
                    bySql('project.updated', { id: MOBILE, changes: { name: 'App' } }),
                    bySql('member.removed', { userId: USERS.bob }),
                    bySql('member.added', { userId: USERS.bob, role: 'viewer' }),
                    bySql('member.updated', { userId: USERS.bob, role: 'editor' }),
                ],
                [ON_BOB]: [
                    left,
                    bySql('project.joined', { projectId: MOBILE, role: 'viewer' }),
                    bySql(
                        'notification.created',
                        news(3, {
                            type: 'project.added',
                            title: 'Someone added you to App',
                            url: `/projects/${MOBILE}`,
                            payload: { projectId: MOBILE, role: 'viewer', name: 'App' },
                            actorId: null,
                            actors: [],
                            topic: ON_MOBILE,
                        }),
                    ),
                ],
            }),
        );
    });

    test('an event of no table, by tidings.emit', async () => {
        await witnesses.expectEvents(
            () => psql(`select tidings.emit('${ON_WAREHOUSE}', 'sprint.closed', '{"sprint": 7, "of": null}')`),
            () => ({ [ON_WAREHOUSE]: [bySql('sprint.closed', { sprint: 7, of: null })] }),
        );
    });

    test('more than 1000 rows of a topic: one task.bulk there, the others one by one', async () => {
        const insert = (count: number, project: string) =>
            `select '${project}'::uuid, 'Many ' || n from generate_series(1, ${count}) n`;
        await witnesses.expectEvents(
            () =>
                psql(`insert into app.tasks (project_id, title)
                    ${insert(1500, OPERATIONS)}`),
            () => ({ [ON_OPERATIONS]: [bySql('task.bulk', { count: 1500 })] }),
        );
        const task = seededTask(4, 1);
        await witnesses.expectEvents(
            () => psql(`update app.tasks set description = 'All' where project_id = '${OPERATIONS}' or id = '${task}'`),
            () => ({
                [ON_OPERATIONS]: [bySql('task.bulk', { count: 1510 })],
                [ON_WAREHOUSE]: [
                    bySql('task.updated', {
                        id: task,
                        projectId: WAREHOUSE,
                        version: 2,
                        changes: { description: 'All' },
                    }),
                ],
            }),
        );
        await witnesses.expectEvents(
            () => psql(`delete from app.tasks where project_id = '${OPERATIONS}' and title like 'Many %'`),
            () => ({ [ON_OPERATIONS]: [bySql('task.bulk', { count: 1500 })] }),
        );
    });
});

test('a project that is made: project.joined for whoever made it', async () => {
    await witnesses.expectEvents(
        () => ask('fay', 'POST', '/projects', { name: 'Garden' }),
        ({ body }) => ({
            [ON_FAY]: [byRest('fay', 'project.joined', { projectId: body['id'], role: 'owner' })],
        }),
    );
});

test('a project that is deleted: its readers are told so, its members by project.left; what went with it is in the log', async () => {
    const ada = await server.join(USERS.ada, ON_OPERATIONS);
    const bob = await server.join(USERS.bob);
    await ask('dee', 'DELETE', `/projects/${OPERATIONS}`);
    expect(await ada.next({ topic: ON_OPERATIONS })).toEqual({
        type: 'unsubscribed',
        topic: ON_OPERATIONS,
        reason: 'deleted',
    });
    const told = byRest('dee', 'project.left', { projectId: OPERATIONS });
    expect(await bob.next({ type: 'event' })).toMatchObject({ topic: ON_BOB, ...told });
    const logged = await database.sql`
        select e.event, e.data, e.actor_id as "actorId", e.request_id as "requestId", e.traceparent
        from tidings.event e where e.topic = ${ON_OPERATIONS} and e.request_id = ${`request-${requests}`}`;
    const inSomeOrder = (events: readonly object[]) => events.map((event) => JSON.stringify(event)).sort();
    const data = { projectId: OPERATIONS };
    expect(inSomeOrder(logged)).toEqual(
        inSomeOrder([
            byRest('dee', 'project.deleted', { id: OPERATIONS }),
            ...[USERS.dee, USERS.eve, USERS.bob].map((userId) => byRest('dee', 'member.removed', { userId })),
            ...Array.from({ length: 10 }, (_, n) =>
                byRest('dee', 'task.deleted', { id: seededTask(3, n + 1), ...data }),
            ),
        ]),
    );
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExampleApi, openExampleApi, seededTask, USERS, WEBSITE } from './example-api.ts';

let api: ExampleApi;
beforeAll(async () => {
    api = await openExampleApi();
});
afterAll(() => api.close());

const ANY_ID = expect.stringMatching(/^[0-9a-f-]{36}$/);
const ANY_TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test('makes, shows, changes and deletes a project', async () => {
    const made = await api.call('POST', '/projects', { as: 'fay', body: { name: 'Garden' } });
    expect(made.status).toBe(201);
    const project = {
        id: ANY_ID,
        organisationId: '00000000-0000-4000-8000-000000000001',
        name: 'Garden',
        description: '',
        createdBy: USERS.fay,
        createdAt: ANY_TIME,
        updatedAt: ANY_TIME,
        role: 'owner',
    };
    expect(made.body).toEqual(project);
    const path = `/projects/${made.body.id}`;
    expect(made.headers.get('location')).toBe(path);
    expect((await api.call('GET', path, { as: 'fay' })).body).toEqual(made.body);
    expect((await api.call('GET', path, { as: 'ada' })).body).toEqual({ ...made.body, role: 'owner' });
    const changed = await api.call('PATCH', path, { as: 'fay', body: { description: 'Beds' } });
    expect(changed).toMatchObject({ status: 200, body: { name: 'Garden', description: 'Beds' } });
    const gone = await api.call('DELETE', path, { as: 'fay' });
    expect(gone).toMatchObject({ status: 204, body: '' });
    expect((await api.call('GET', path, { as: 'fay' })).status).toBe(404);
});

test('makes, shows, changes and deletes a task', async () => {
    const made = await api.call('POST', `/projects/${WEBSITE}/tasks`, {
        as: 'cyd',
        body: { title: 'Proofread', assigneeId: USERS.dee, dueAt: '2026-12-01T09:00:00+01:00' },
    });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
        id: ANY_ID,
        projectId: WEBSITE,
        title: 'Proofread',
        description: '',
        status: 'todo',
        assigneeId: USERS.dee,
        dueAt: '2026-12-01T08:00:00.000Z',
        version: 1,
        createdBy: USERS.cyd,
        createdAt: ANY_TIME,
        updatedAt: ANY_TIME,
    });
    expect(made.headers.get('etag')).toBe('"1"');
    const path = `/tasks/${made.body.id}`;
    expect(made.headers.get('location')).toBe(path);
    const changed = await api.call('PATCH', path, { as: 'cyd', body: { status: 'doing', assigneeId: null } });
    expect(changed.body).toMatchObject({ status: 'doing', assigneeId: null, version: 2, title: 'Proofread' });
    expect(changed.body.dueAt).toBe('2026-12-01T08:00:00.000Z');
    expect(changed.headers.get('etag')).toBe('"2"');
    const same = await api.call('PATCH', path, { as: 'cyd', body: {} });
    expect(same).toMatchObject({ status: 200, body: { version: 2 } });
    expect((await api.call('GET', path, { as: 'eve' })).body).toEqual(changed.body);
    expect((await api.call('DELETE', path, { as: 'cyd' })).status).toBe(204);
    expect((await api.call('GET', path, { as: 'cyd' })).status).toBe(404);
});

test('comments on a task', async () => {
    const path = `/tasks/${seededTask(1, 1)}/comments`;
    const before = await api.call('GET', path, { as: 'eve' });
    const made = await api.call('POST', path, { as: 'dee', body: { body: 'Done by noon\u2028 <b>&' } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
        id: ANY_ID,
        taskId: seededTask(1, 1),
        projectId: WEBSITE,
        authorId: USERS.dee,
        body: 'Done by noon\u2028 <b>&',
        createdAt: ANY_TIME,
    });
    const after = await api.call('GET', path, { as: 'eve' });
    expect(after.body).toEqual({ items: [...before.body.items, made.body], nextCursor: null });
});

test('times work, one task at a time', async () => {
    const [one, other] = [`/tasks/${seededTask(1, 1)}/timer`, `/tasks/${seededTask(1, 2)}/timer`];
    const started = await api.call('POST', `${one}/start`, { as: 'dee' });
    expect(started.status).toBe(201);
    const entry = { taskId: seededTask(1, 1), projectId: WEBSITE, userId: USERS.dee, startedAt: ANY_TIME };
    expect(started.body).toEqual({ id: ANY_ID, ...entry, stoppedAt: null });
    expect(await api.call('POST', `${other}/start`, { as: 'dee' })).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: 'expected no timer of yours to run, got one' },
    });
    expect(await api.call('POST', `${other}/stop`, { as: 'dee' })).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: 'expected your timer to run here, got none' },
    });
    const stopped = await api.call('POST', `${one}/stop`, { as: 'dee', body: {} });
    expect(stopped).toMatchObject({ status: 200, body: { ...started.body, stoppedAt: ANY_TIME } });
});

test('two timers started at once leave one', async () => {
    const starts = [3, 4, 5, 6].map((n) =>
        api.call('POST', `/tasks/${seededTask(1, n)}/timer/start`, { as: 'cyd', headers: {} }),
    );
    const statuses = (await Promise.all(starts)).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409, 409]);
});

test('lists members and gives them roles', async () => {
    const path = `/projects/${WEBSITE}/members`;
    const list = await api.call('GET', path, { as: 'eve' });
    expect(list.body.items.map((m: { handle: string; role: string }) => [m.handle, m.role])).toEqual([
        ['bob', 'owner'],
        ['cyd', 'editor'],
        ['dee', 'commenter'],
        ['eve', 'viewer'],
    ]);
    const added = await api.call('PUT', `${path}/${USERS.fay}`, { as: 'bob', body: { role: 'editor' } });
    const member = { userId: USERS.fay, handle: 'fay', name: 'Fay Fujita', role: 'editor', createdAt: ANY_TIME };
    expect(added).toMatchObject({ status: 200, body: member });
    const lowered = await api.call('PUT', `${path}/${USERS.fay}`, { as: 'bob', body: { role: 'viewer' } });
    expect(lowered.body).toEqual({ ...added.body, role: 'viewer' });
    expect((await api.call('DELETE', `${path}/${USERS.fay}`, { as: 'bob' })).status).toBe(204);
    expect((await api.call('DELETE', `${path}/${USERS.fay}`, { as: 'bob' })).status).toBe(404);
    expect((await api.call('PUT', `${path}/${USERS.hal}`, { as: 'bob', body: { role: 'viewer' } })).status).toBe(404);
});

test('shows what happened, newest first, with names and a line to read', async () => {
    const path = `/tasks/${seededTask(1, 7)}`;
    await api.call('PATCH', path, { as: 'cyd', body: { status: 'done' } });
    await api.sequence();
    const { body } = await api.call('GET', `/projects/${WEBSITE}/activity?limit=1`, { as: 'eve' });
    expect(body.items).toEqual([
        {
            id: expect.stringMatching(/^\d+$/),
            topic: `project:${WEBSITE}`,
            seq: expect.any(Number),
            event: 'task.updated',
            at: ANY_TIME,
            actorId: USERS.cyd,
            actorName: 'Cyd Castro',
            data: { id: seededTask(1, 7), projectId: WEBSITE, version: 2, changes: { status: 'done' } },
            summary: 'Cyd Castro set a task’s status to done',
        },
    ]);
    const mine = await api.call('GET', '/activity?limit=1', { as: 'eve' });
    expect(mine.body.items).toEqual(body.items);
});

/** What the example refuses beyond roles, and what it does under two at once. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExampleApi, MOBILE, openExampleApi, seededTask, USERS, WAREHOUSE, WEBSITE } from './example-api.ts';

let api: ExampleApi;
beforeAll(async () => {
    api = await openExampleApi();
});
afterAll(() => api.close());

test('the last owner can neither leave nor step down, not even at an admin’s request', async () => {
    const bob = `/projects/${WEBSITE}/members/${USERS.bob}`;
    const refusal = {
        status: 409,
        body: { code: 'conflict', detail: 'expected another owner to remain, got the last one' },
    };
    expect(await api.call('DELETE', bob, { as: 'bob' })).toMatchObject(refusal);
    expect(await api.call('PUT', bob, { as: 'ada', body: { role: 'editor' } })).toMatchObject(refusal);
    expect(await api.call('PUT', bob, { as: 'ada', body: { role: 'owner' } })).toMatchObject({ status: 200 });
});

test('of two owners removed at once one stays', async () => {
    for (let round = 0; round < 10; round += 1) {
        const { body: project } = await api.call('POST', '/projects', { as: 'bob', body: { name: `Round ${round}` } });
        await api.call('PUT', `/projects/${project.id}/members/${USERS.cyd}`, { as: 'bob', body: { role: 'owner' } });
        const answers = await Promise.all([
            api.call('DELETE', `/projects/${project.id}/members/${USERS.bob}`, { as: 'ada' }),
            api.call('DELETE', `/projects/${project.id}/members/${USERS.cyd}`, { as: 'ada' }),
        ]);
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
        const owners = await api.sql`
            select from app.project_members m where m.project_id = ${project.id} and m.role = 'owner'
        `;
        expect(owners).toHaveLength(1);
    }
});

test('a member who is removed or becomes a viewer leaves no running timer behind', async () => {
    const member = `/projects/${MOBILE}/members/${USERS.fay}`;
    const open = () => api.sql`select from app.time_entries e where e.user_id = ${USERS.fay} and e.stopped_at is null`;
    await api.call('POST', `/tasks/${seededTask(2, 1)}/timer/start`, { as: 'fay' });
    await api.call('PUT', member, { as: 'cyd', body: { role: 'viewer' } });
    expect(await open()).toHaveLength(0);
    await api.call('PUT', member, { as: 'cyd', body: { role: 'commenter' } });
    await api.call('POST', `/tasks/${seededTask(2, 1)}/timer/start`, { as: 'fay' });
    expect(await open()).toHaveLength(1);
    await api.call('DELETE', member, { as: 'cyd' });
    expect(await open()).toHaveLength(0);
});

test('moving a task takes rights in both projects', async () => {
    const task = `/tasks/${seededTask(3, 3)}`;
    const move = (as: string, projectId: string) => api.call('PATCH', task, { as, body: { projectId } });
    // eve: editor of Operations, viewer of Website, nothing in Mobile app.
    expect(await move('eve', WEBSITE)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await move('eve', MOBILE)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await move('ada', WAREHOUSE)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const moved = await move('ada', WEBSITE);
    expect(moved).toMatchObject({ status: 200, body: { projectId: WEBSITE, version: 2 } });
    const { body } = await api.call('GET', `${task}/comments`, { as: 'ada' });
    expect(new Set(body.items.map((comment: { projectId: string }) => comment.projectId))).toEqual(new Set([WEBSITE]));
});

test('work is given only to those who can see it', async () => {
    const path = `/projects/${WEBSITE}/tasks`;
    const issue = { path: 'body.assigneeId', message: 'expected assigneeId to be a user who may read the project' };
    for (const assigneeId of [USERS.fay, USERS.hal, '00000000-0000-4000-8000-000000000999']) {
        const refused = await api.call('POST', path, { as: 'bob', body: { title: 'Given', assigneeId } });
        expect(refused).toMatchObject({ status: 400, body: { code: 'bad_request', issues: [issue] } });
    }
    for (const assigneeId of [USERS.eve, USERS.ada, null]) {
        const made = await api.call('POST', path, { as: 'bob', body: { title: 'Given', assigneeId } });
        expect(made).toMatchObject({ status: 201, body: { assigneeId } });
    }
    // dee reads Website but not Mobile app: the task can't take her along.
    const { body: task } = await api.call('POST', path, { as: 'bob', body: { title: 'Dee’s', assigneeId: USERS.dee } });
    const move = { projectId: MOBILE };
    expect(await api.call('PATCH', `/tasks/${task.id}`, { as: 'bob', body: move })).toMatchObject({ status: 400 });
    const freed = await api.call('PATCH', `/tasks/${task.id}`, { as: 'bob', body: { ...move, assigneeId: null } });
    expect(freed).toMatchObject({ status: 200, body: { projectId: MOBILE, assigneeId: null } });
});

test('If-Match lets one of two writers pass', async () => {
    const path = `/tasks/${seededTask(1, 9)}`;
    const patch = (title: string, ifMatch: string) =>
        api.call('PATCH', path, { as: 'cyd', body: { title }, headers: { 'if-match': ifMatch } });
    const answers = await Promise.all([patch('One', '"1"'), patch('Two', '"1"')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(await patch('Three', '"1"')).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    expect(await patch('Three', 'W/"2"')).toMatchObject({ status: 412 });
    expect(await patch('Three', '2')).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    expect(await patch('Three', '"7", "2"')).toMatchObject({ status: 200, body: { version: 3 } });
    expect(await patch('Four', '*')).toMatchObject({ status: 200, body: { version: 4 } });
    const stale = await api.call('DELETE', path, { as: 'cyd', headers: { 'if-match': '"3"' } });
    expect(stale.status).toBe(412);
    const gone = await api.call('DELETE', path, { as: 'cyd', headers: { 'if-match': '"4"' } });
    expect(gone.status).toBe(204);
});

test('a position and the rows beside it are of one snapshot', async () => {
    const head = (position: string | null) => Number(position?.split(':')[1]);
    let writing = true;
    const writer = (async () => {
        for (let n = 0; writing; n += 1) {
            await api.sql`insert into app.tasks (project_id, title) values (${WAREHOUSE}, ${`Written ${n}`})`;
            await api.sequence();
        }
    })();
    for (let round = 0; round < 40; round += 1) {
        const answer = await api.call('GET', `/projects/${WAREHOUSE}/tasks?limit=100`, { as: 'hal' });
        const position = answer.headers.get('tidings-position');
        expect(position).toMatch(/^[^:]+:\d+$/);
        const ids = new Set(answer.body.items.map((task: { id: string }) => task.id));
        const due = await api.sql<{ id: string }[]>`
            select e.data ->> 'id' as id
            from tidings.stream s
            join tidings.event e on e.id = s.event_id
            where s.topic = ${`project:${WAREHOUSE}`} and e.event = 'task.created' and s.seq <= ${head(position)}
            order by s.seq
            limit 100
        `;
        if (answer.body.nextCursor !== null) break;
        expect(due.filter(({ id }) => !ids.has(id))).toEqual([]);
    }
    writing = false;
    await writer;
});

test('events carry the actor, the request and the trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await api.call('PATCH', `/tasks/${seededTask(1, 10)}`, {
        as: 'cyd',
        body: { title: 'Traced' },
        headers: { 'x-request-id': 'walk-1', traceparent },
    });
    const [event] = await api.sql`
        select e.actor_id, e.request_id, e.traceparent from tidings.event e order by e.id desc limit 1
    `;
    expect(event).toEqual({ actor_id: USERS.cyd, request_id: 'walk-1', traceparent });
});

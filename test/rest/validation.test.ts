/** Input of every wrong shape, through routes of the example. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExampleApi, openExampleApi, seededTask, USERS, WEBSITE } from '../example/example-api.ts';

let api: ExampleApi;
beforeAll(async () => {
    api = await openExampleApi();
});
afterAll(() => api.close());

const TASKS = `/projects/${WEBSITE}/tasks`;

describe('a body', () => {
    const UNKNOWN = 'Unrecognized key: "colour"';
    test.each<[unknown, string]>([
        [{}, 'body.title'],
        [{ title: 1 }, 'body.title'],
        [{ title: '' }, 'body.title'],
        [{ title: ' \t\n' }, 'body.title'],
        [{ title: 'x'.repeat(201) }, 'body.title'],
        [{ title: 'a\0b' }, 'body.title'],
        [{ title: 'a\ud800b' }, 'body.title'],
        [{ title: 'A', status: 'later' }, 'body.status'],
        [{ title: 'A', description: null }, 'body.description'],
        [{ title: 'A', assigneeId: 'bob' }, 'body.assigneeId'],
        [{ title: 'A', dueAt: 'tomorrow' }, 'body.dueAt'],
        [{ title: 'A', dueAt: '2026-12-01' }, 'body.dueAt'],
        [{ title: 'A', dueAt: '2026-02-30T10:00:00Z' }, 'body.dueAt'],
        [{ title: 'A', dueAt: '0000-01-01T00:00:00Z' }, 'body.dueAt'],
        [{ title: 'A', dueAt: '9999-12-31T23:59:59-14:00' }, 'body.dueAt'],
        [{ title: 'A', colour: 'red' }, 'body'],
        [{ title: 'A', version: 7 }, 'body'],
        [[], 'body'],
        ['text', 'body'],
        [null, 'body'],
    ])('%j is refused at %s', async (body, path) => {
        const { status, body: problem } = await api.call('POST', TASKS, { as: 'bob', body });
        expect([status, problem.code, problem.issues?.[0].path]).toEqual([400, 'bad_request', path]);
    });

    test('says what was unknown', async () => {
        const { body, headers } = await api.call('PATCH', `/projects/${WEBSITE}`, {
            as: 'bob',
            body: { colour: 'red' },
        });
        expect(headers.get('content-type')).toBe('application/problem+json');
        expect(body).toEqual({
            type: 'about:blank',
            title: 'Bad Request',
            status: 400,
            detail: `expected valid input, got body: ${UNKNOWN}`,
            code: 'bad_request',
            requestId: headers.get('x-request-id'),
            issues: [{ path: 'body', message: UNKNOWN }],
        });
    });

    test.each(['{"title":"A","__proto__":{"status":"done"}}', '{"title":"A","constructor":1}'])(
        '%s does not get past the schema',
        async (raw) => {
            expect(await api.call('POST', TASKS, { as: 'bob', raw })).toMatchObject({ status: 400 });
        },
    );

    test.each(['{', '', '{"title":"A"', "{'title':'A'}", '\ufeff{}x'])('%j is not JSON', async (raw) => {
        const { status, body } = await api.call('POST', TASKS, { as: 'bob', raw });
        expect([status, body.code]).toEqual([400, 'bad_request']);
    });

    test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data'])(
        'of type %s is 415',
        async (type) => {
            const headers = { 'content-type': type };
            const { status, body } = await api.call('POST', TASKS, { as: 'bob', raw: '{"title":"A"}', headers });
            expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
        },
    );

    test('with a charset is JSON', async () => {
        const headers = { 'content-type': 'application/json; charset=utf-8' };
        const made = await api.call('POST', TASKS, { as: 'bob', raw: '{"title":"Ünïcødé 😀"}', headers });
        expect(made).toMatchObject({ status: 201, body: { title: 'Ünïcødé 😀' } });
    });

    test('is not wanted by a timer', async () => {
        const path = `/tasks/${seededTask(1, 1)}/timer/start`;
        expect(await api.call('POST', path, { as: 'dee', body: { at: 'noon' } })).toMatchObject({ status: 400 });
    });
});

describe('an id in the path', () => {
    test.each(['17', 'x', '%00', `${WEBSITE}0`, `{${WEBSITE}}`, '..%2f', "';drop table", '%E0%A4%A'])(
        '%s is not found',
        async (id) => {
            for (const path of [`/projects/${id}`, `/tasks/${id}`, `/projects/${WEBSITE}/members/${id}`]) {
                const method = path.includes('members') ? 'DELETE' : 'GET';
                expect((await api.call(method, path, { as: 'bob' })).status).toBe(404);
            }
        },
    );

    test('may be written in capitals', async () => {
        const { status, body } = await api.call('GET', `/tasks/${seededTask(1, 1).toUpperCase()}`, { as: 'bob' });
        expect([status, body.id]).toEqual([200, seededTask(1, 1)]);
    });

    test('is not found alike, whether it is nothing’s or another’s', async () => {
        const nothing = await api.call('GET', '/projects/00000000-0000-4000-8000-00000000ffff', { as: 'hal' });
        const foreign = await api.call('GET', `/projects/${WEBSITE}`, { as: 'hal' });
        const malformed = await api.call('GET', '/projects/17', { as: 'hal' });
        for (const { body } of [nothing, foreign, malformed]) delete body.requestId;
        expect(foreign.body).toEqual(nothing.body);
        expect(malformed.body).toEqual(nothing.body);
    });
});

describe('a query', () => {
    test.each([
        'limit=0',
        'limit=101',
        'limit=-1',
        'limit=x',
        'limit=1e1',
        'limit=',
        'limit=1&limit=2',
        'status=later',
        'assigneeId=bob',
        'stauts=todo',
        'cursor=x&cursor=y',
    ])('%s is refused', async (query) => {
        const { status, body } = await api.call('GET', `${TASKS}?${query}`, { as: 'bob' });
        expect([status, body.code]).toEqual([400, 'bad_request']);
        expect(body.issues[0].path).toMatch(/^query/);
    });

    test('filters', async () => {
        const query = `status=done&assigneeId=${USERS.cyd}`;
        const { body } = await api.call('GET', `${TASKS}?${query}`, { as: 'eve' });
        expect(body.items.map((task: { title: string }) => task.title)).toEqual([
            'Choose a colour palette',
            'Set up redirects',
        ]);
    });
});

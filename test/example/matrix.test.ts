/** Every route of the example × everyone who may call it; those of the inbox have a table of their own. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExampleApi, openExampleApi, USERS } from './example-api.ts';
import { INBOX_ROUTES } from './matrix-inbox.ts';

let api: ExampleApi;
beforeAll(async () => {
    api = await openExampleApi();
});
afterAll(() => api.close());

const RISING = ['viewer', 'commenter', 'editor', 'owner', 'admin'] as const;
const CALLERS = { viewer: 'eve', commenter: 'dee', editor: 'cyd', owner: 'bob', admin: 'ada' } as const;

type Place = { readonly project: string; readonly task: string };
type Route = {
    readonly route: string;
    readonly lowest: (typeof RISING)[number];
    readonly status: number;
    readonly body?: unknown;
    /** What must be there before the call of `caller`. */
    readonly prepare?: (place: Place, callerId: string) => PromiseLike<unknown>;
};

const ROUTES: readonly Route[] = [
    { route: 'GET /projects/{id}', lowest: 'viewer', status: 200 },
    { route: 'PATCH /projects/{id}', lowest: 'owner', status: 200, body: { name: 'Other' } },
    { route: 'DELETE /projects/{id}', lowest: 'owner', status: 204 },
    { route: 'GET /projects/{id}/members', lowest: 'viewer', status: 200 },
    { route: 'PUT /projects/{id}/members/{userId}', lowest: 'owner', status: 200, body: { role: 'editor' } },
    { route: 'DELETE /projects/{id}/members/{userId}', lowest: 'owner', status: 204 },
    { route: 'POST /projects/{id}/tasks', lowest: 'editor', status: 201, body: { title: 'New' } },
    { route: 'GET /projects/{id}/tasks', lowest: 'viewer', status: 200 },
    { route: 'GET /projects/{id}/activity', lowest: 'viewer', status: 200 },
    { route: 'GET /tasks/{id}', lowest: 'viewer', status: 200 },
    { route: 'PATCH /tasks/{id}', lowest: 'editor', status: 200, body: { title: 'Other' } },
    { route: 'DELETE /tasks/{id}', lowest: 'editor', status: 204 },
    { route: 'POST /tasks/{id}/comments', lowest: 'commenter', status: 201, body: { body: 'Well' } },
    { route: 'GET /tasks/{id}/comments', lowest: 'viewer', status: 200 },
    { route: 'POST /tasks/{id}/timer/start', lowest: 'commenter', status: 201 },
    { route: 'POST /tasks/{id}/timer/stop', lowest: 'commenter', status: 200, prepare: startTimer },
];
const FOR_ANYONE: readonly Route[] = [
    { route: 'POST /projects', lowest: 'viewer', status: 201, body: { name: 'Mine' } },
    { route: 'GET /projects', lowest: 'viewer', status: 200 },
    { route: 'GET /activity', lowest: 'viewer', status: 200 },
];

function startTimer({ project, task }: Place, callerId: string) {
    return api.sql`
        insert into app.time_entries (project_id, task_id, user_id)
        select ${project}, ${task}, ${callerId} where ${callerId}::text <> 'nobody'
    `;
}

/** A project of Acme with a task and a member of each role. */
async function makePlace(): Promise<Place> {
    await api.sql`update app.time_entries set stopped_at = now() where stopped_at is null`;
    const [place] = await api.sql<Place[]>`
        with p as (
            insert into app.projects (organisation_id, name) values ('00000000-0000-4000-8000-000000000001', 'Fresh')
            returning id
        ), m as (
            insert into app.project_members (project_id, user_id, role)
            select p.id, v.user_id::uuid, v.role
            from p, (values (${USERS.eve}, 'viewer'), (${USERS.dee}, 'commenter'), (${USERS.cyd}, 'editor'),
                (${USERS.bob}, 'owner')) v (user_id, role)
        ), t as (
            select gen_random_uuid() as id
        )
        select p.id as project, t.id as task from p, t
    `;
    if (place === undefined) throw new Error('expected a place, got none');
    await api.sql`insert into app.tasks (id, project_id, title) values (${place.task}, ${place.project}, 'Fresh')`;
    return place;
}

async function answerTo(
    as: string | undefined,
    { route, body, prepare }: Route,
): Promise<[number, string | undefined]> {
    const place = await makePlace();
    const [method = '', template = ''] = route.split(' ');
    await prepare?.(place, USERS[as as keyof typeof USERS] ?? USERS.bob);
    const id = template.startsWith('/projects') ? place.project : place.task;
    const path = template.replace('{id}', id).replace('{userId}', USERS.eve);
    const answer = await api.call(method, path, { as, body });
    return [answer.status, answer.body.code];
}

const EVERY_ROUTE = [...ROUTES, ...FOR_ANYONE];

describe.each(EVERY_ROUTE)('$route', (route) => {
    test('is refused without a token, with a bad one, and to a user nobody knows', async () => {
        expect(await answerTo(undefined, route)).toEqual([401, 'unauthorized']);
        expect(await answerTo('refused', route)).toEqual([401, 'unauthorized']);
        expect(await answerTo('00000000-0000-4000-8000-000000000999', route)).toEqual([403, 'unknown_user']);
        expect(await answerTo('auth0|42', route)).toEqual([403, 'unknown_user']);
    });
});

describe.each(ROUTES)('$route', (route) => {
    test('does not exist for strangers: another organisation, its admin, the same organisation', async () => {
        for (const stranger of ['hal', 'gus', 'fay']) {
            expect(await answerTo(stranger, route)).toEqual([404, 'not_found']);
        }
    });

    test(`is allowed from ${route.lowest} up and forbidden below`, async () => {
        for (const role of RISING) {
            const allowed = RISING.indexOf(role) >= RISING.indexOf(route.lowest);
            const expected = allowed ? [route.status, undefined] : [403, 'forbidden'];
            expect([role, ...(await answerTo(CALLERS[role], route))]).toEqual([role, ...expected]);
        }
    });
});

test.each(FOR_ANYONE)('$route is for anyone known', async (route) => {
    for (const known of ['fay', 'jon', 'ada']) expect(await answerTo(known, route)).toEqual([route.status, undefined]);
});

test('the tables have every route of the API that needs a token', async () => {
    const { body } = await api.call('GET', '/openapi.json');
    const guarded = Object.entries<Record<string, { security?: unknown }>>(body.paths).flatMap(([path, methods]) =>
        Object.entries(methods)
            .filter(([, { security }]) => security !== undefined)
            .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    const tables = new Set([...EVERY_ROUTE, ...INBOX_ROUTES].map(({ route }) => route));
    expect(guarded.sort()).toEqual([...tables].sort());
});

/** `/preferences`, and what is muted and watched. Whom it is hidden from: test/example/matrix-inbox.test.ts. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
    type Answer,
    type ExampleApi,
    MOBILE,
    openExampleApi,
    type Sent,
    USERS,
    WAREHOUSE,
    WEBSITE,
} from '../example/example-api.ts';

let api: ExampleApi;
let sql: Sql;
beforeAll(async () => {
    api = await openExampleApi();
    sql = api.sql;
    await sql`select tidings.notification_type('alarm.rang', title => 'Alarm', critical => true)`;
});
afterAll(() => api.close());
beforeEach(async () => {
    await sql`truncate tidings.notification, tidings.preference, tidings.topic_preference, tidings.schedule`;
});

const as = 'bob';

function get(): Promise<Answer> {
    return api.call('GET', '/preferences', { as });
}

function put(body: unknown, sent: Sent = {}): Promise<Answer> {
    return api.call('PUT', '/preferences', { as, body, ...sent });
}

function topic(method: 'PUT' | 'DELETE', mode: 'mute' | 'watch', of: string, sent: Sent = {}): Promise<Answer> {
    return api.call(method, `/topics/${of}/${mode}`, { as, ...sent });
}

/** How bob is told a type about the project Website: in the inbox, by mail. */
async function reached(type: string): Promise<unknown> {
    await sql`truncate tidings.notification`;
    await sql`select tidings.send_notification(array[${USERS.bob}], ${type}, topic => ${`project:${WEBSITE}`})`;
    const rows = await sql`select in_app, email from tidings.notification`;
    return rows.map((row) => [row['in_app'], row['email']])[0] ?? 'not';
}

const NOTHING_CHOSEN = {
    preferences: {},
    timeZone: null,
    digestHour: null,
    digestWeekday: null,
    quietHours: null,
    mutedTopics: [],
    watchedTopics: [],
};

describe('GET /preferences', () => {
    test('shows that nothing is chosen, and what there is to choose for', async () => {
        const { status, headers, body } = await get();
        expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
        expect(body).toEqual({
            ...NOTHING_CHOSEN,
            types: [
                { type: 'alarm.rang', critical: true },
                ...['project.added', 'task.assigned', 'task.commented', 'task.due', 'task.mentioned'].map((type) => ({
                    type,
                    critical: false,
                })),
            ],
        });
    });

    test('is there for a user the example does not know', async () => {
        expect(await api.call('GET', '/preferences', { as: 'auth0|42' })).toMatchObject({
            status: 200,
            body: NOTHING_CHOSEN,
        });
    });
});

describe('PUT /preferences', () => {
    const WHOLE = {
        preferences: { '*': { email: 'weekly' }, 'task.commented': { inApp: 'off', email: 'hourly' } },
        timeZone: 'America/Argentina/Buenos_Aires',
        digestHour: 0,
        digestWeekday: 7,
        quietHours: { from: '22:00', to: '06:30' },
    };

    test('sets all there is, and shows it as GET does', async () => {
        const { status, body } = await put(WHOLE);
        expect([status, body]).toMatchObject([200, WHOLE]);
        expect((await get()).body).toEqual(body);
    });

    test('takes back what is absent, null or empty, and leaves topics', async () => {
        await topic('PUT', 'mute', `project:${WEBSITE}`);
        const topics = { mutedTopics: [`project:${WEBSITE}`] };
        const nulls = { timeZone: null, digestHour: null, digestWeekday: null, quietHours: null };
        for (const less of [{}, nulls, { ...nulls, preferences: {} }, { preferences: { 'task.due': {} } }]) {
            await put(WHOLE);
            const { status, body } = await put(less);
            expect([status, body]).toMatchObject([200, { ...NOTHING_CHOSEN, ...topics }]);
        }
        await put(WHOLE);
        const { body } = await put({ preferences: { 'task.commented': { inApp: 'instant' } }, digestHour: 23 });
        expect(body).toMatchObject({
            ...NOTHING_CHOSEN,
            ...topics,
            preferences: { 'task.commented': { inApp: 'instant' } },
            digestHour: 23,
        });
    });

    test('decides how the next is told, the most specific choice first; what is there stays', async () => {
        expect(await reached('task.due')).toEqual([true, null]);
        await put({ preferences: { '*': { inApp: 'off', email: 'daily' }, 'task.due': { inApp: 'instant' } } });
        expect(await sql`select from tidings.notification where in_app and email is null`).toHaveLength(1);
        expect(await reached('task.due')).toEqual([true, 'daily']);
        expect(await reached('task.mentioned')).toEqual([false, 'daily']);
        expect(await reached('alarm.rang')).toEqual([true, 'instant']);
        await put({ preferences: { 'task.due': { inApp: 'off', email: 'off' } } });
        expect(await reached('task.due')).toBe('not');
    });

    test('may choose for a type that is not declared yet', async () => {
        expect(await put({ preferences: { 'invoice.overdue': { email: 'off' } } })).toMatchObject({ status: 200 });
        expect(await reached('invoice.overdue')).toEqual([true, 'off']);
    });

    test.each(['UTC', 'Europe/Berlin', 'Etc/GMT+5', 'America/Indiana/Knox'])('takes the zone %s', async (timeZone) => {
        expect((await put({ timeZone })).body.timeZone).toBe(timeZone);
    });

    const NAME = 'expected * or a name like task.assigned';
    const CLOCK = 'expected a time like 22:00';
    const IN_APP = 'Invalid option: expected one of "off"|"instant"';
    const EMAIL = 'Invalid option: expected one of "off"|"instant"|"hourly"|"daily"|"weekly"';
    const zone = (name: string) =>
        [
            { timeZone: name },
            'body.timeZone',
            `expected timeZone to be an IANA name like Europe/Berlin, got ${JSON.stringify(name)}`,
        ] as const;
    const types = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`t${i}`, { email: 'off' }]));
    test.each<readonly [unknown, string, string]>([
        [{ preferences: { 'Bad Type': { email: 'off' } } }, 'body.preferences.Bad Type', `${NAME}, got "Bad Type"`],
        [{ preferences: { '': { email: 'off' } } }, 'body.preferences.', `${NAME}, got ""`],
        [{ preferences: { 'tidings.x': {} } }, 'body.preferences.tidings.x', `${NAME}, got "tidings.x"`],
        [{ preferences: { 'task.*': {} } }, 'body.preferences.task.*', `${NAME}, got "task.*"`],
        [{ preferences: { a: { sms: 'off' } } }, 'body.preferences.a', 'Unrecognized key: "sms"'],
        [{ preferences: { a: { inApp: 'daily' } } }, 'body.preferences.a.inApp', `${IN_APP}, got "daily"`],
        [{ preferences: { a: { email: 'monthly' } } }, 'body.preferences.a.email', `${EMAIL}, got "monthly"`],
        [{ preferences: { a: { email: false } } }, 'body.preferences.a.email', `${EMAIL}, got false`],
        [{ preferences: { a: { email: null } } }, 'body.preferences.a.email', `${EMAIL}, got null`],
        [{ preferences: { a: 'off' } }, 'body.preferences.a', 'Invalid input: expected object, received string'],
        [{ preferences: [] }, 'body.preferences', 'Invalid input: expected record, received array'],
        [{ preferences: null }, 'body.preferences', 'Invalid input: expected record, received null'],
        zone('Mars/Base'),
        zone('europe/berlin'),
        zone('CET'),
        zone('+02:00'),
        zone(''),
        [{ timeZone: 1 }, 'body.timeZone', 'Invalid input: expected string, received number'],
        [{ timeZone: 'a\0' }, 'body.timeZone', 'expected text without NUL and lone surrogates, got "a\\u0000"'],
        [{ timeZone: '\ud800' }, 'body.timeZone', 'expected text without NUL and lone surrogates, got "\\ud800"'],
        [
            { timeZone: 'A/'.repeat(33) },
            'body.timeZone',
            `Too big: expected string to have <=64 characters, got "${'A/'.repeat(33).slice(0, 59)}…`,
        ],
        [{ digestHour: 24 }, 'body.digestHour', 'Too big: expected number to be <=23, got 24'],
        [{ digestHour: -1 }, 'body.digestHour', 'Too small: expected number to be >=0, got -1'],
        [{ digestHour: 8.5 }, 'body.digestHour', 'Invalid input: expected int, received number'],
        [{ digestHour: '8' }, 'body.digestHour', 'Invalid input: expected number, received string'],
        [{ digestWeekday: 0 }, 'body.digestWeekday', 'Too small: expected number to be >=1, got 0'],
        [{ digestWeekday: 8 }, 'body.digestWeekday', 'Too big: expected number to be <=7, got 8'],
        [{ quietHours: { from: '22:00' } }, 'body.quietHours.to', 'Invalid input: expected string, received undefined'],
        [{ quietHours: { from: '24:00', to: '06:00' } }, 'body.quietHours.from', `${CLOCK}, got "24:00"`],
        [{ quietHours: { from: '22:00', to: '6:00' } }, 'body.quietHours.to', `${CLOCK}, got "6:00"`],
        [
            { quietHours: { from: '22:00', to: '22:00' } },
            'body.quietHours',
            'expected two different times, got {"from":"22:00","to":"22:00"}',
        ],
        [{ quietHours: { from: '22:00', to: '06:00', zone: 'UTC' } }, 'body.quietHours', 'Unrecognized key: "zone"'],
        [{ mutedTopics: [] }, 'body', 'Unrecognized key: "mutedTopics"'],
        [[], 'body', 'Invalid input: expected object, received array'],
        [null, 'body', 'Invalid input: expected object, received null'],
    ])('%j is refused and changes nothing', async (body, path, message) => {
        const before = (await put(WHOLE)).body;
        const answer = await put(body);
        expect([answer.status, answer.body.code]).toEqual([400, 'bad_request']);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
        expect(answer.body.issues[0]).toEqual({ path, message });
        expect((await get()).body).toEqual(before);
    });

    test('takes 500 types and no more', async () => {
        expect((await put({ preferences: types(500) })).status).toBe(200);
        const { status, body } = await put({ preferences: types(501) });
        expect([status, body.issues[0].path]).toEqual([400, 'body.preferences']);
        expect(body.issues[0].message).toMatch(/^expected at most 500 types, got \{.*…$/);
        expect(Object.keys((await get()).body.preferences)).toHaveLength(500);
    });

    test.each<[string, Sent]>([
        ['no body', {}],
        ['no body, said to be JSON', { headers: { 'content-type': 'application/json' } }],
        ['an empty body, said to be JSON', { raw: '' }],
    ])('%s is refused and changes nothing: all is taken back by {}', async (_, sent) => {
        const before = (await put(WHOLE)).body;
        expect(await put(undefined, sent)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
        expect((await get()).body).toEqual(before);
    });

    test('a body that is no JSON is refused', async () => {
        expect((await put(undefined, { raw: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
        expect((await put(undefined, { raw: '{' })).status).toBe(400);
    });

    test('by two at once ends as one of them said', async () => {
        const choices = [
            { preferences: { a: { email: 'hourly' }, b: { email: 'off' }, c: { email: 'off' } }, digestHour: 1 },
            { preferences: { c: { email: 'daily' }, d: { email: 'off' }, e: { email: 'off' } }, digestHour: 2 },
        ];
        for (let round = 0; round < 10; round += 1) {
            const answers = await Promise.all([...choices, ...choices.toReversed()].map((body) => put(body)));
            expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
            const { preferences, digestHour } = (await get()).body;
            expect(choices).toContainEqual({ preferences, digestHour });
        }
    });
});

describe.each([
    ['mute', 'watch', 'mutedTopics'],
    ['watch', 'mute', 'watchedTopics'],
] as const)('/topics/{topic}/%s', (mode, other, list) => {
    const website = `project:${WEBSITE}`;

    test('is put and taken back, by both as often as one likes', async () => {
        for (const of of [`project:${MOBILE}`, website, website]) {
            expect(await topic('PUT', mode, of)).toMatchObject({ status: 204, body: '' });
        }
        expect((await get()).body).toMatchObject({ ...NOTHING_CHOSEN, [list]: [website, `project:${MOBILE}`] });
        for (const of of [website, website]) expect((await topic('DELETE', mode, of)).status).toBe(204);
        expect((await get()).body).toMatchObject({ ...NOTHING_CHOSEN, [list]: [`project:${MOBILE}`] });
    });

    test(`takes the place of ${other}, which is not taken back by it`, async () => {
        await topic('PUT', other, website);
        await topic('PUT', mode, website);
        expect((await get()).body).toMatchObject({ ...NOTHING_CHOSEN, [list]: [website] });
        await topic('DELETE', other, website);
        expect((await get()).body).toMatchObject({ ...NOTHING_CHOSEN, [list]: [website] });
    });

    test('takes the topic with its colon escaped, too', async () => {
        await topic('PUT', mode, encodeURIComponent(website));
        expect((await get()).body[list]).toEqual([website]);
    });

    test('takes one’s own topic', async () => {
        expect((await topic('PUT', mode, `user:${USERS.bob}`)).status).toBe(204);
    });

    test.each([
        ['another organisation’s', `project:${WAREHOUSE}`],
        ['nobody’s', 'project:00000000-0000-4000-8000-00000000ffff'],
        ['one whose id is none', 'project:17'],
        ['one not spelled as it is', `project:${WEBSITE.replace('8', 'A')}`],
        ['another user’s', `user:${USERS.cyd}`],
        ['the engine’s', 'tidings:control'],
        ['one of a kind nobody declared', 'planet:mars'],
    ])('%s topic is not found, and nothing to be rid of', async (_, of) => {
        const { status, body } = await topic('PUT', mode, of);
        expect([status, body.code, body.detail]).toEqual([
            404,
            'not_found',
            'expected something that exists and that you may see',
        ]);
        expect((await topic('DELETE', mode, of)).status).toBe(204);
        expect(await sql`select from tidings.topic_preference`).toHaveLength(0);
    });

    test.each([
        'project',
        ':',
        'project:',
        'Project:17',
        '%00',
        'project:%00',
        '%E0%A4%A',
        '..%2f',
        'project:a%20b',
        `project:${'a'.repeat(129)}`,
    ])('%s is no topic and not found', async (of) => {
        for (const method of ['PUT', 'DELETE'] as const) {
            const { status, body } = await topic(method, mode, of);
            expect([method, status, body.code]).toEqual([method, 404, 'not_found']);
        }
    });

    test('of a topic one may read no longer can still be taken back', async () => {
        const [made] = await sql<{ id: string }[]>`
            insert into app.projects (organisation_id, name)
            values ('00000000-0000-4000-8000-000000000001', 'Shed') returning id`;
        const shed = made?.id ?? '';
        await sql`insert into app.project_members (project_id, user_id, role) values (${shed}, ${USERS.bob}, 'viewer')`;
        expect((await topic('PUT', mode, `project:${shed}`)).status).toBe(204);
        await sql`delete from app.project_members where project_id = ${shed}`;
        expect((await topic('PUT', mode, `project:${shed}`)).status).toBe(404);
        expect((await topic('DELETE', mode, `project:${shed}`)).status).toBe(204);
        expect((await get()).body[list]).toEqual([]);
    });

    test('takes no body but an empty object', async () => {
        expect((await topic('PUT', mode, website, { body: {} })).status).toBe(204);
        const { status, body } = await topic('PUT', mode, website, { body: { until: 'noon' } });
        expect([status, body.code]).toEqual([400, 'bad_request']);
    });
});

test('a muted topic is silent, but for what is critical', async () => {
    await topic('PUT', 'mute', `project:${WEBSITE}`);
    expect(await reached('task.due')).toBe('not');
    expect(await reached('alarm.rang')).toEqual([true, 'instant']);
    await topic('DELETE', 'mute', `project:${WEBSITE}`);
    expect(await reached('task.due')).toEqual([true, null]);
});

test('who watches a project is told of comments there, until they may not read it', async () => {
    const [made] = await sql<{ id: string }[]>`
        insert into app.projects (organisation_id, name)
        values ('00000000-0000-4000-8000-000000000001', 'Barn') returning id`;
    const barn = made?.id ?? '';
    await sql`
        insert into app.project_members (project_id, user_id, role)
        values (${barn}, ${USERS.bob}, 'viewer'), (${barn}, ${USERS.cyd}, 'owner')`;
    const task = await api.call('POST', `/projects/${barn}/tasks`, { as: 'cyd', body: { title: 'Sweep' } });
    const told = async () => {
        await sql`truncate tidings.notification`;
        await api.call('POST', `/tasks/${task.body.id}/comments`, { as: 'cyd', body: { body: 'Well' } });
        return (await api.call('GET', '/notifications', { as })).body.items.length;
    };
    expect(await told()).toBe(0);
    await topic('PUT', 'watch', `project:${barn}`);
    expect(await told()).toBe(1);
    await sql`delete from app.project_members where project_id = ${barn} and user_id = ${USERS.bob}`;
    expect(await told()).toBe(0);
});

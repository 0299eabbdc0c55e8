/** `/notifications`: every route of the inbox, by its owner. Whom it is hidden from: test/example/matrix-inbox.test.ts. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type ExampleApi, openExampleApi, type Sent, USERS, WEBSITE } from '../example/example-api.ts';

let api: ExampleApi;
let sql: Sql;
beforeAll(async () => {
    api = await openExampleApi();
    sql = api.sql;
});
afterAll(() => api.close());
beforeEach(async () => {
    await sql`truncate tidings.notification`;
    api.observed.length = 0;
});

const NOBODYS = '00000000-0000-4000-8000-00000000ffff';
const HOUR_MS = 3_600_000;

type Told = { readonly type?: string; readonly group?: string; readonly actor?: string; readonly title?: string };

/** Tells bob something, and gives the entry's id. */
async function tell({ type = 'note', group, actor, title = 'Dig' }: Told = {}): Promise<string> {
    await sql`
        select tidings.send_notification(
            array[${USERS.bob}], ${type}, ${JSON.stringify({ title })}::text::jsonb,
            topic => ${`project:${WEBSITE}`}, group_key => ${group ?? null}, actor => ${actor ?? null}
        )`;
    const [row] = await sql<
        { id: string }[]
    >`select id from tidings.notification order by created_at desc, id desc limit 1`;
    return row?.id ?? '';
}

async function tellMany(count: number): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.push(await tell());
    return ids;
}

const as = 'bob';

function get(query = ''): Promise<Answer> {
    return api.call('GET', `/notifications${query}`, { as });
}

function post(path: string, sent: Sent = {}): Promise<Answer> {
    return api.call('POST', `/notifications${path}`, { as, ...sent });
}

function mark(id: string, sent: Sent = {}): Promise<Answer> {
    return api.call('PATCH', `/notifications/${id}/read`, { as, ...sent });
}

async function idsOf(query = ''): Promise<readonly string[]> {
    const { status, body } = await get(query);
    expect([status, body.code]).toEqual([200, undefined]);
    return body.items.map(({ id }: { id: string }) => id);
}

async function counts(): Promise<readonly [number, number]> {
    const { body } = await get('/counts');
    return [body.unread, body.unseen];
}

/** Every page of a list; `between` runs after each. */
async function walk(query: string, between?: (page: number) => Promise<unknown>): Promise<readonly string[]> {
    const ids: string[] = [];
    let cursor: string | null = null;
    let page = 0;
    do {
        const { status, body }: Answer = await get(`${query}${cursor === null ? '' : `&cursor=${cursor}`}`);
        expect(status).toBe(200);
        ids.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor;
        page += 1;
        await between?.(page);
    } while (cursor !== null);
    return ids;
}

/** A problem that says, at `path`, what was expected and what came. */
function refusal({ status, headers, body }: Answer): readonly unknown[] {
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ type: 'about:blank', status, requestId: headers.get('x-request-id') });
    return [status, body.code, body.issues?.[0]?.path, body.issues?.[0]?.message];
}

const LATER = new Date(Date.now() + 24 * HOUR_MS).toISOString();

describe('GET /notifications', () => {
    test('shows each entry in full, the newest first', async () => {
        expect((await get()).body).toEqual({ items: [], nextCursor: null });
        const first = await tell({ type: 'task.commented', group: 'a', actor: USERS.cyd });
        const second = await tell({ type: 'unheard.of' });
        const { body, headers } = await get();
        expect(headers.get('cache-control')).toBe('no-store');
        const none = { body: null, url: null, seenAt: null, readAt: null, archivedAt: null, snoozedUntil: null };
        const common = { ...none, payload: { title: 'Dig' }, count: 1, topic: `project:${WEBSITE}` };
        const createdAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(body).toEqual({
            items: [
                {
                    ...common,
                    id: second,
                    type: 'unheard.of',
                    title: 'unheard.of',
                    actorId: null,
                    actors: [],
                    groupKey: null,
                    createdAt,
                },
                {
                    ...common,
                    id: first,
                    type: 'task.commented',
                    title: 'Cyd Castro commented on Dig',
                    body: '',
                    url: '/projects//tasks/',
                    actorId: USERS.cyd,
                    actors: [{ id: USERS.cyd, name: 'Cyd Castro' }],
                    groupKey: 'a',
                    createdAt,
                },
            ],
            nextCursor: null,
        });
    });

    test('folds what is unread of a group', async () => {
        for (const actor of [USERS.ada, USERS.cyd, USERS.dee, USERS.cyd]) await tell({ group: 'a', actor });
        const actors = [USERS.cyd, USERS.dee, USERS.ada].map((id) => expect.objectContaining({ id }));
        expect((await get()).body.items).toMatchObject([{ count: 4, actors }]);
        expect(await counts()).toEqual([1, 1]);
    });

    test('filters by what is unread, by type, archived and snoozed, and by several at once', async () => {
        const plain = await tell();
        const read = await tell({ type: 'other' });
        const archived = await tell();
        const snoozed = await tell({ type: 'other' });
        const both = await tell();
        await mark(read);
        await post(`/${archived}/archive`);
        await post(`/${snoozed}/snooze`, { body: { until: LATER } });
        await post(`/${both}/archive`);
        await post(`/${both}/snooze`, { body: { until: LATER } });
        expect(await idsOf()).toEqual([read, plain]);
        expect(await idsOf('?unreadOnly=false&archived=false&snoozed=false')).toEqual([read, plain]);
        expect(await idsOf('?unreadOnly=true')).toEqual([plain]);
        expect(await idsOf('?type=other')).toEqual([read]);
        expect(await idsOf('?type=other&unreadOnly=true')).toEqual([]);
        expect(await idsOf('?archived=true')).toEqual([archived]);
        expect(await idsOf('?snoozed=true')).toEqual([snoozed]);
        expect(await idsOf('?snoozed=true&type=note')).toEqual([]);
        expect(await idsOf('?archived=true&snoozed=true')).toEqual([both]);
    });

    test('shows 20 unless asked for 1 to 100', async () => {
        await tellMany(21);
        expect(await idsOf()).toHaveLength(20);
        expect(await idsOf('?limit=1')).toHaveLength(1);
        expect(await idsOf('?limit=100')).toHaveLength(21);
    });

    test.each([
        ['limit=0', 'query.limit', 'Too small: expected number to be >=1, got "0"'],
        ['limit=101', 'query.limit', 'Too big: expected number to be <=100, got "101"'],
        ['limit=ten', 'query.limit', 'expected a whole number, got "ten"'],
        ['unreadOnly=1', 'query.unreadOnly', 'Invalid option: expected one of "true"|"false", got "1"'],
        ['archived=', 'query.archived', 'Invalid option: expected one of "true"|"false", got ""'],
        ['snoozed=TRUE', 'query.snoozed', 'Invalid option: expected one of "true"|"false", got "TRUE"'],
        ['type=', 'query.type', 'expected a name like task.assigned, got ""'],
        ['type=Task', 'query.type', 'expected a name like task.assigned, got "Task"'],
        ['type=a%00', 'query.type', 'expected a name like task.assigned, got "a\\u0000"'],
        [`type=${'a'.repeat(129)}`, 'query.type', `expected a name like task.assigned, got "${'a'.repeat(59)}…`],
        ['type=a&type=b', 'query.type', 'Invalid input: expected string, received array'],
        ['unread=true', 'query', 'Unrecognized key: "unread"'],
    ])('?%s is refused', async (query, path, message) => {
        expect(refusal(await get(`?${query}`))).toEqual([400, 'bad_request', path, message]);
    });

    test('says how far bob’s topic was in the snapshot of the rows', async () => {
        await tell();
        await api.sequence();
        for (const path of ['', '/counts']) {
            const position = (await get(path)).headers.get('tidings-position');
            const [row] = await sql`select tidings.position(${`user:${USERS.bob}`}) as position`;
            expect(position).toBe(row?.['position']);
        }
        const before = (await get()).headers.get('tidings-position');
        const id = await tell();
        expect((await get()).headers.get('tidings-position')).toBe(before);
        await api.sequence();
        const [epoch = '', head = ''] = before?.split(':') ?? [];
        expect((await get()).headers.get('tidings-position')).toBe(`${epoch}:${Number(head) + 1}`);
        await mark(id);
        await api.sequence();
        expect((await get('/counts')).headers.get('tidings-position')).toBe(`${epoch}:${Number(head) + 2}`);
        expect((await api.call('GET', '/notifications', { as: 'jon' })).headers.get('tidings-position')).not.toBe(
            before,
        );
    });
});

describe('a page', () => {
    /** Ten entries of one moment, and ten that differ by a microsecond: the id and the exact time decide. */
    async function tellTwins(): Promise<readonly string[]> {
        await tellMany(20);
        await sql`
            update tidings.notification n
            set created_at = timestamptz '2026-11-01 00:00:00.000001+00' + greatest(r.n - 10, 0) * interval '1 microsecond'
            from (select k.id, row_number() over (order by k.id) as n from tidings.notification k) r
            where n.id = r.id`;
        const rows = await sql<{ id: string }[]>`select id from tidings.notification order by created_at desc, id desc`;
        return rows.map(({ id }) => id);
    }

    test.each([1, 3, 7, 20, 100])('of %i: each entry comes once and in one order', async (limit) => {
        const ids = await tellTwins();
        expect(await walk(`?limit=${limit}`)).toEqual(ids);
        expect(await walk(`?limit=${limit}&unreadOnly=true&type=note`)).toEqual(ids);
    });

    test('goes on where it was while new ones arrive', async () => {
        const ids = await tellTwins();
        expect(await walk('?limit=3', tell.bind(null, {}))).toEqual(ids);
    });

    test('goes on where it was while all that is shown is read, archived or gone', async () => {
        const ids = await tellTwins();
        const change = async (page: number) => {
            const shown = ids.slice(page * 3 - 3, page * 3);
            if (page % 3 === 0) await sql`delete from tidings.notification where id = any (${shown})`;
            for (const id of shown) await (page % 3 === 1 ? mark(id) : post(`/${id}/archive`));
        };
        expect(await walk('?limit=3&unreadOnly=true', change)).toEqual(ids);
    });

    test('shows groups once, however many of their rows lie on other pages', async () => {
        for (let n = 0; n < 24; n += 1) await tell({ group: `g${n % 4}` });
        const ids = await walk('?limit=1');
        expect(ids).toHaveLength(4);
        expect(new Set(ids).size).toBe(4);
    });

    test('ends with a cursor of null, also when it is full', async () => {
        await tellMany(4);
        expect((await get('?limit=4')).body.nextCursor).toBeNull();
        expect((await get('?limit=3')).body.nextCursor).toEqual(expect.any(String));
    });

    test('is not opened by a cursor of another list, other filters or another user, nor by a forged one', async () => {
        await tellMany(3);
        const cursor: string = (await get('?limit=1')).body.nextCursor;
        expect(await idsOf(`?limit=2&cursor=${cursor}`)).toHaveLength(2);
        const message = 'expected cursor to be the nextCursor of this list with these filters';
        const foreign: string = (await api.call('GET', '/projects?limit=1', { as })).body.nextCursor;
        const forged = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`;
        const refused = [
            ...['unreadOnly=true', 'archived=true', 'snoozed=true', 'type=note'].map((q) => `${q}&cursor=${cursor}`),
            ...[foreign, forged, '', 'x', `${cursor}.x`].map((c) => `cursor=${c}`),
        ];
        for (const query of refused) {
            expect(refusal(await get(`?${query}`))).toEqual([400, 'bad_request', 'query.cursor', message]);
        }
        const others = await api.call('GET', `/notifications?cursor=${cursor}`, { as: 'cyd' });
        expect(refusal(others)).toEqual([400, 'bad_request', 'query.cursor', message]);
        const elsewhere = await api.call('GET', `/projects?cursor=${cursor}`, { as });
        expect(refusal(elsewhere)).toEqual([400, 'bad_request', 'query.cursor', message]);
    });
});

describe('GET /notifications/counts', () => {
    test('counts entries, not rows, and neither archived nor snoozed ones', async () => {
        expect(await counts()).toEqual([0, 0]);
        const [one = '', two = '', three = ''] = await tellMany(4);
        await tell({ group: 'a' });
        await tell({ group: 'a' });
        expect(await counts()).toEqual([5, 5]);
        await mark(one);
        expect(await counts()).toEqual([4, 4]);
        await mark(one, { body: { read: false } });
        expect(await counts()).toEqual([5, 4]);
        await post(`/${two}/archive`);
        await post(`/${three}/snooze`, { body: { until: LATER } });
        expect(await counts()).toEqual([3, 2]);
        await post('/seen');
        expect(await counts()).toEqual([3, 0]);
        await tell({ group: 'a' });
        expect(await counts()).toEqual([3, 1]);
        await post('/read-all');
        expect(await counts()).toEqual([0, 0]);
    });
});

describe('PATCH /notifications/{id}/read', () => {
    test.each<[string, Sent]>([
        ['no body', {}],
        ['no body, said to be JSON', { headers: { 'content-type': 'application/json' } }],
        ['an empty body, said to be JSON', { raw: '' }],
        ['{}', { body: {} }],
        ['{"read":true}', { body: { read: true } }],
    ])('with %s marks it read and seen, and answers the entry', async (_, sent) => {
        const id = await tell();
        const { status, body } = await mark(id, sent);
        expect([status, body.id]).toEqual([200, id]);
        expect(body.readAt).toMatch(/Z$/);
        expect(body.seenAt).toBe(body.readAt);
        expect((await get()).body.items).toEqual([body]);
    });

    test('with {"read":false} marks it unread again; seen it stays', async () => {
        const id = await tell();
        const { seenAt } = (await mark(id)).body;
        expect((await mark(id, { body: { read: false } })).body).toMatchObject({ readAt: null, seenAt });
        expect(await counts()).toEqual([1, 0]);
    });

    test('marks the whole entry, and again does nothing', async () => {
        await tell({ group: 'a' });
        const head = await tell({ group: 'a' });
        const { body } = await mark(head);
        expect(body).toMatchObject({ id: head, count: 2 });
        expect(await counts()).toEqual([0, 0]);
        const said = async () => await sql`select max(id) from tidings.event`;
        const before = await said();
        expect((await mark(head)).body).toEqual(body);
        expect(await said()).toEqual(before);
    });

    test('two at once agree', async () => {
        const id = await tell({ group: 'a' });
        const [one, two] = await Promise.all([mark(id), mark(id)]);
        expect([one.status, two.status]).toEqual([200, 200]);
        expect(one.body).toEqual(two.body);
    });

    test.each<[unknown, string, string]>([
        [{ read: 'no' }, 'body.read', 'Invalid input: expected boolean, received string'],
        [{ read: null }, 'body.read', 'Invalid input: expected boolean, received null'],
        [{ read: true, seen: true }, 'body', 'Unrecognized key: "seen"'],
        [[], 'body', 'Invalid input: expected object, received array'],
        [null, 'body', 'Invalid input: expected object, received null'],
    ])('%j is refused and marks nothing', async (body, path, message) => {
        const id = await tell();
        expect(refusal(await mark(id, { body }))).toEqual([400, 'bad_request', path, message]);
        expect(await counts()).toEqual([1, 1]);
    });

    test('a body that is no JSON is refused and marks nothing', async () => {
        const id = await tell();
        for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
            const sent = { raw: '{"read":false}', headers: { 'content-type': type } };
            expect((await mark(id, sent)).status).toBe(415);
        }
        expect((await mark(id, { raw: '{' })).status).toBe(400);
        expect((await mark(id, { raw: ' ' })).status).toBe(400);
        expect(await counts()).toEqual([1, 1]);
    });
});

describe('POST /notifications/read-all', () => {
    test('marks all, in steps of its own, and says how many rows changed', async () => {
        await sql`
            insert into tidings.notification (user_id, type, event_id)
            select ${USERS.bob}, 'note', 1 from generate_series(1, 1200)`;
        const { status, body } = await post('/read-all');
        expect([status, body]).toEqual([200, { updated: 1200 }]);
        expect(await counts()).toEqual([0, 0]);
        expect((await post('/read-all')).body).toEqual({ updated: 0 });
        expect(await sql`select distinct read_at from tidings.notification`).toHaveLength(1);
    });

    test.each<[string, Sent]>([
        ['no body, said to be JSON', { headers: { 'content-type': 'application/json' } }],
        ['an empty body, said to be JSON', { raw: '' }],
        ['{}', { body: {} }],
    ])('takes %s for all', async (_, sent) => {
        await tellMany(2);
        expect((await post('/read-all', sent)).body).toEqual({ updated: 2 });
    });

    test('leaves what came later than `before`', async () => {
        const [one = '', two = '', three = ''] = await tellMany(3);
        await api.sequence();
        const four = await tell();
        expect((await post('/read-all', { body: { before: two } })).body).toEqual({ updated: 2 });
        expect(await idsOf('?unreadOnly=true')).toEqual([four, three]);
        expect((await post('/read-all', { body: { before: one.toUpperCase() } })).body).toEqual({ updated: 0 });
        expect((await post('/read-all', { body: { before: four } })).body).toEqual({ updated: 2 });
    });

    test('leaves what was written earlier but commits later', async () => {
        const late = await sql.reserve();
        await late`begin`;
        await late`select tidings.send_notification(array[${USERS.bob}], 'late')`;
        const before = await tell();
        await api.sequence();
        expect((await post('/read-all', { body: { before } })).body).toEqual({ updated: 1 });
        await late`commit`;
        late.release();
        expect((await post('/read-all', { body: { before } })).body).toEqual({ updated: 0 });
        expect((await get('?unreadOnly=true')).body.items).toMatchObject([{ type: 'late' }]);
    });

    test('leaves what arrives between two of its steps', async () => {
        await sql`
            insert into tidings.notification (user_id, type, event_id)
            select ${USERS.bob}, 'note', 1 from generate_series(1, 1200)`;
        await sql.unsafe(`
            create function public.tell_more() returns trigger language plpgsql as $$
            begin
                perform tidings.send_notification('{${USERS.bob}}', 'later');
                return null;
            end $$;
            create trigger tell_more after update on tidings.notification
                for each statement execute function public.tell_more();
            alter function public.tell_more() security definer`);
        const { body } = await post('/read-all');
        await sql`drop function public.tell_more cascade`;
        expect(body).toEqual({ updated: 1200 });
        const [later] = await sql<{ n: number }[]>`
            select count(*)::integer as n from tidings.notification where type = 'later'`;
        expect(later?.n).toBeGreaterThan(1);
        expect(await counts()).toEqual([later?.n, later?.n]);
    });

    test('leaves archived ones as they are', async () => {
        const [id] = await tellMany(2);
        await post(`/${id}/archive`);
        expect((await post('/read-all')).body).toEqual({ updated: 1 });
        expect((await get('?archived=true')).body.items).toMatchObject([{ id, readAt: null }]);
    });
});

describe('POST /notifications/seen', () => {
    test('marks all seen, and none read', async () => {
        await tellMany(3);
        expect((await post('/seen')).body).toEqual({ updated: 3 });
        expect(await counts()).toEqual([3, 0]);
        expect((await post('/seen', { raw: '' })).body).toEqual({ updated: 0 });
        const { items } = (await get()).body;
        expect(new Set(items.map(({ seenAt }: { seenAt: string }) => seenAt)).size).toBe(1);
    });

    test('leaves what came later than `before`', async () => {
        const [, two] = await tellMany(3);
        await api.sequence();
        expect((await post('/seen', { body: { before: two } })).body).toEqual({ updated: 2 });
        expect(await counts()).toEqual([3, 1]);
    });
});

describe.each(['/read-all', '/seen'])('POST /notifications%s', (path) => {
    test.each<[unknown, string, string]>([
        [{ before: 'x' }, 'body.before', 'expected a uuid, got "x"'],
        [{ before: null }, 'body.before', 'Invalid input: expected string, received null'],
        [{ after: NOBODYS }, 'body', 'Unrecognized key: "after"'],
    ])('%j is refused and marks nothing', async (body, at, message) => {
        await tell();
        expect(refusal(await post(path, { body }))).toEqual([400, 'bad_request', at, message]);
        expect(await counts()).toEqual([1, 1]);
    });

    test('`before` one that is not there, another’s, or not shown is not found, and marks nothing', async () => {
        const [hidden = ''] = await tellMany(2);
        await sql`update tidings.notification set in_app = false where id = ${hidden}`;
        await sql`select tidings.send_notification(array[${USERS.cyd}], 'note')`;
        const [another] = await sql`select id from tidings.notification where user_id = ${USERS.cyd}`;
        for (const before of [NOBODYS, another?.['id'], hidden]) {
            expect(refusal(await post(path, { body: { before } }))).toEqual([404, 'not_found', undefined, undefined]);
        }
        expect(await counts()).toEqual([1, 1]);
    });

    test('with an Idempotency-Key says again what it said, and leaves what came meanwhile', async () => {
        await tellMany(2);
        const headers = { 'idempotency-key': `all of ${path}`.replaceAll(' ', '-') };
        expect((await post(path, { headers })).body).toEqual({ updated: 2 });
        await tell();
        expect((await post(path, { headers })).body).toEqual({ updated: 2 });
        expect((await counts())[1]).toBe(1);
        expect((await post(path, { headers, body: {} })).body.code).toBe('idempotency_mismatch');
        expect((await post(path, { headers: { 'idempotency-key': 'two words' } })).status).toBe(400);
    });

    test('by many at once counts each row once', async () => {
        await tellMany(10);
        const answers = await Promise.all([1, 2, 3, 4].map(() => post(path)));
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
        expect(answers.reduce((sum, { body }) => sum + body.updated, 0)).toBe(10);
    });
});

describe('/notifications/{id}/archive', () => {
    test('puts an entry away and takes it back, as read as it was', async () => {
        const [id, other] = [await tell({ group: 'a' }), await tell()];
        const head = await tell({ group: 'a' });
        const archived = await post(`/${head}/archive`);
        expect([archived.status, archived.body]).toMatchObject([200, { id: head, count: 2, readAt: null }]);
        expect(archived.body.archivedAt).toMatch(/Z$/);
        expect(await idsOf()).toEqual([other]);
        expect((await get('?archived=true')).body.items).toEqual([archived.body]);
        expect((await post(`/${head}/archive`)).body).toEqual(archived.body);
        const back = await api.call('DELETE', `/notifications/${head}/archive`, { as });
        expect([back.status, back.body]).toMatchObject([200, { id: head, count: 2, archivedAt: null }]);
        expect(await idsOf()).toEqual([head, other]);
        expect((await sql`select from tidings.notification where id = ${id} and archived_at is null`).length).toBe(1);
    });

    test('the next of a group that was put away begins a new entry', async () => {
        const old = await tell({ group: 'a' });
        await post(`/${old}/archive`);
        const next = await tell({ group: 'a' });
        expect((await get()).body.items).toMatchObject([{ id: next, count: 1 }]);
        expect((await get('?archived=true')).body.items).toMatchObject([{ id: old, count: 1 }]);
    });
});

describe('/notifications/{id}/snooze', () => {
    test('hides an entry until its time and shows it at once when that is taken back', async () => {
        const id = await tell();
        const snoozed = await post(`/${id}/snooze`, { body: { until: LATER } });
        expect([snoozed.status, snoozed.body]).toMatchObject([200, { id, snoozedUntil: LATER, readAt: null }]);
        expect([await idsOf(), await counts()]).toEqual([[], [0, 0]]);
        expect((await get('?snoozed=true')).body.items).toEqual([snoozed.body]);
        const back = await api.call('DELETE', `/notifications/${id}/snooze`, { as });
        expect([back.status, back.body]).toMatchObject([200, { id, snoozedUntil: null }]);
        expect([await idsOf(), await counts()]).toEqual([[id], [1, 1]]);
        expect((await api.call('DELETE', `/notifications/${id}/snooze`, { as })).body).toEqual(back.body);
    });

    test('takes a time with any zone, to the millisecond, until the year 9999, and can be put off', async () => {
        const id = await tell();
        for (const [until, shown] of [
            ['2999-01-01T00:00:00.123456+02:00', '2998-12-31T22:00:00.123Z'],
            ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
            ['2999-01-01T00:00:00Z', '2999-01-01T00:00:00.000Z'],
        ]) {
            const { status, body } = await post(`/${id}/snooze`, { body: { until } });
            expect([status, body.snoozedUntil]).toEqual([200, shown]);
        }
    });

    test.each<[unknown, string, string]>([
        [undefined, 'body.until', 'Invalid input: expected string, received undefined'],
        [{}, 'body.until', 'Invalid input: expected string, received undefined'],
        [{ until: null }, 'body.until', 'Invalid input: expected string, received null'],
        [{ until: 1_900_000_000 }, 'body.until', 'Invalid input: expected string, received number'],
        [{ until: 'tomorrow' }, 'body.until', 'Invalid ISO datetime, got "tomorrow"'],
        [{ until: '2999-01-01' }, 'body.until', 'Invalid ISO datetime, got "2999-01-01"'],
        [{ until: '2999-01-01T00:00:00' }, 'body.until', 'Invalid ISO datetime, got "2999-01-01T00:00:00"'],
        [{ until: '2999-02-30T00:00:00Z' }, 'body.until', 'Invalid ISO datetime, got "2999-02-30T00:00:00Z"'],
        [
            { until: '2020-01-01T00:00:00+02:00' },
            'body.until',
            'expected until to be in the future, got 2019-12-31T22:00:00.000Z',
        ],
        [{ until: LATER, for: '1h' }, 'body', 'Unrecognized key: "for"'],
    ])('%j is refused and hides nothing', async (body, path, message) => {
        const id = await tell();
        expect(refusal(await post(`/${id}/snooze`, { body }))).toEqual([400, 'bad_request', path, message]);
        expect(await idsOf()).toEqual([id]);
    });

    test('what is in the future is for the database to say', async () => {
        const id = await tell();
        const answers = await Promise.all(
            [-5, 0, 1, 2, 3, 5, 8].map((ms) =>
                post(`/${id}/snooze`, { body: { until: new Date(Date.now() + ms).toISOString() } }),
            ),
        );
        for (const { status } of answers) expect([200, 400]).toContain(status);
        expect(api.observed.filter(({ type }) => type === 'handler.failed')).toEqual([]);
    });
});

describe('an entry that is not there', () => {
    const ROUTES = [
        ['PATCH', 'read', undefined],
        ['POST', 'archive', undefined],
        ['DELETE', 'archive', undefined],
        ['POST', 'snooze', { until: LATER }],
        ['DELETE', 'snooze', undefined],
    ] as const;

    test.each(ROUTES)(
        '%s %s: another’s, one for the mail only, nobody’s and no id are not found alike',
        async (method, what, body) => {
            const hidden = await tell();
            await sql`update tidings.notification set in_app = false`;
            await sql`select tidings.send_notification(array[${USERS.cyd}], 'note')`;
            const [others] = await sql`select id from tidings.notification where user_id = ${USERS.cyd}`;
            const answers: Answer[] = [];
            for (const id of [NOBODYS, others?.['id'], hidden, '17', '%00', `{${NOBODYS}}`, '%E0%A4%A', '..%2f']) {
                answers.push(await api.call(method, `/notifications/${id}/${what}`, { as, body }));
            }
            for (const answer of answers) {
                expect(refusal(answer)).toEqual([404, 'not_found', undefined, undefined]);
                expect(answer.body.detail).toBe('expected something that exists and that you may see');
            }
            expect(
                await sql`select from tidings.notification where read_at is null and archived_at is null and snoozed_until is null`,
            ).toHaveLength(2);
        },
    );

    test.each(ROUTES.filter(([, what]) => what === 'archive' || what === 'snooze'))(
        '%s %s takes no more of a body than it knows',
        async (method, what) => {
            const id = await tell();
            const answer = await api.call(method, `/notifications/${id}/${what}`, { as, body: { colour: 'red' } });
            expect([answer.status, answer.body.code]).toEqual([400, 'bad_request']);
        },
    );
});

test('an id may be written in capitals', async () => {
    const id = await tell();
    expect((await mark(id.toUpperCase())).body.id).toBe(id);
});

test.each([
    ['GET', '/{id}/read', 'OPTIONS, PATCH'],
    ['PUT', '', 'GET, HEAD, OPTIONS'],
    ['GET', '/read-all', 'OPTIONS, POST'],
    ['GET', '/{id}/archive', 'DELETE, OPTIONS, POST'],
])('%s /notifications%s is not there, and says what is', async (method, path, allow) => {
    const answer = await api.call(method, `/notifications${path.replace('{id}', NOBODYS)}`, { as });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
});

test('a POST sent again with its Idempotency-Key is done once', async () => {
    const id = await tell();
    const headers = { 'idempotency-key': 'archive-once' };
    const first = await post(`/${id}/archive`, { headers });
    await api.call('DELETE', `/notifications/${id}/archive`, { as });
    expect((await post(`/${id}/archive`, { headers })).body).toEqual(first.body);
    expect(await idsOf()).toEqual([id]);
    expect((await post(`/${id}/snooze`, { headers, body: { until: LATER } })).body.code).toBe('idempotency_mismatch');
    const key = { 'idempotency-key': 'snooze-once' };
    const answers = await Promise.all(
        [1, 2, 3].map(() => post(`/${id}/snooze`, { headers: key, body: { until: LATER } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
});

test('a change carries who made it, by which request', async () => {
    const id = await tell();
    const { headers } = await mark(id, { headers: { 'x-request-id': 'bell-1' } });
    expect(headers.get('x-request-id')).toBe('bell-1');
    const rows = await sql`select topic, event, actor_id, request_id, data from tidings.event order by id desc limit 1`;
    expect(rows).toEqual([
        {
            topic: `user:${USERS.bob}`,
            event: 'notification.updated',
            actor_id: USERS.bob,
            request_id: 'bell-1',
            data: { id },
        },
    ]);
});

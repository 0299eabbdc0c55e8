import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExampleApi, openExampleApi, USERS, WEBSITE } from '../example/example-api.ts';

let api: ExampleApi;
beforeAll(async () => {
    api = await openExampleApi();
});
afterAll(() => api.close());

const TASKS = `/projects/${WEBSITE}/tasks`;

function post(key: string, title: string, as = 'bob', path = TASKS) {
    return api.call('POST', path, { as, body: { title }, headers: { 'idempotency-key': key } });
}

async function countOf(title: string): Promise<number> {
    return (await api.sql`select from app.tasks t where t.title = ${title}`).length;
}

test('the same request again gets the first answer and writes nothing', async () => {
    const first = await post('again', 'Again');
    await api.sql`update app.tasks set title = 'Again' where id = ${first.body.id}`;
    const second = await post('again', 'Again');
    expect(second).toMatchObject({ status: 201, body: first.body });
    for (const header of ['location', 'etag', 'content-type']) {
        expect([header, second.headers.get(header)]).toEqual([header, first.headers.get(header)]);
    }
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(await countOf('Again')).toBe(1);
});

test('ten at once make one, and all get its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('burst', 'Burst')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await countOf('Burst')).toBe(1);
});

test('the same key for another body or another route is refused', async () => {
    await post('mixed', 'Mixed');
    const refusal = { status: 422, body: { code: 'idempotency_mismatch' } };
    expect(await post('mixed', 'Mixed up')).toMatchObject(refusal);
    const project = { as: 'bob', body: { name: 'Mixed' }, headers: { 'idempotency-key': 'mixed' } };
    expect(await api.call('POST', '/projects', project)).toMatchObject(refusal);
    expect(await countOf('Mixed up')).toBe(0);
});

test('a key belongs to its user', async () => {
    const [one, other] = [await post('shared', 'Shared', 'bob'), await post('shared', 'Shared', 'cyd')];
    expect(one.body.id).not.toBe(other.body.id);
});

test('a request that failed leaves no answer', async () => {
    expect((await post('failed', 'Failed', 'dee')).status).toBe(403);
    await api.call('PUT', `/projects/${WEBSITE}/members/${USERS.dee}`, { as: 'bob', body: { role: 'editor' } });
    expect((await post('failed', 'Failed', 'dee')).status).toBe(201);
});

test('two at once of which one fails: the other is done', async () => {
    const key = { 'idempotency-key': 'rival' };
    const failing = api.call('POST', TASKS, {
        as: 'cyd',
        body: { title: 'Rival', assigneeId: USERS.hal },
        headers: key,
    });
    const [failed, done] = await Promise.all([failing, post('rival', 'Rival', 'cyd')]);
    expect(done.status).toBe(201);
    // The one that comes to the database second is told that the key is another's.
    expect([400, 422]).toContain(failed.status);
});

test('after 24 hours a key is new', async () => {
    const first = await post('old', 'Old');
    await api.sql`update tidings.idempotency set created_at = now() - interval '24 hours 1 second' where key = 'old'`;
    const second = await post('old', 'Old');
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
    expect((await post('old', 'Old')).body).toEqual(second.body);
});

test('old answers are purged', async () => {
    await post('purged', 'Purged');
    await post('kept', 'Kept');
    await api.sql`update tidings.idempotency set created_at = now() - interval '25 hours' where key = 'purged'`;
    expect(await api.sql`select tidings.purge_idempotency() as purged`).toEqual([{ purged: '1' }]);
    expect(await api.sql`select from tidings.idempotency where key in ('purged', 'kept')`).toHaveLength(1);
});

test.each(['', 'x'.repeat(256), 'two words', 'naïve'])('key %j is refused', async (key) => {
    expect(await post(key, 'Never')).toMatchObject({ status: 400, body: { code: 'bad_request' } });
});

test('only POST looks at the key', async () => {
    const change = (name: string) =>
        api.call('PATCH', `/projects/${WEBSITE}`, {
            as: 'bob',
            body: { name },
            headers: { 'idempotency-key': 'patch' },
        });
    expect((await change('One')).body.name).toBe('One');
    expect((await change('Two')).body.name).toBe('Two');
});

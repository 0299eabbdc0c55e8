/** Every list, walked page by page. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExampleApi, MOBILE, openExampleApi, seededTask, USERS, WEBSITE } from './example-api.ts';

let api: ExampleApi;
beforeAll(async () => {
    api = await openExampleApi();
    // Equal times, and times that differ by a microsecond: the id and the exact time decide.
    await api.sql`
        insert into app.tasks (project_id, title, created_at)
        select ${WEBSITE}, 'Twin ' || g, timestamptz '2026-11-01 00:00:00+00' + (g / 3) * interval '1 microsecond'
        from generate_series(1, 12) g
    `;
    await api.sequence();
});
afterAll(() => api.close());

type Item = Readonly<Record<string, unknown>>;

async function walk(path: string, limit: number, as: string): Promise<readonly Item[]> {
    const items: Item[] = [];
    let cursor: string | null = null;
    do {
        const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const { status, body } = await api.call(
            'GET',
            `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${query}`,
            { as },
        );
        expect(status).toBe(200);
        expect(body.items.length).toBeLessThanOrEqual(limit);
        items.push(...body.items);
        cursor = body.nextCursor;
    } while (cursor !== null);
    return items;
}

const LISTS: ReadonlyArray<readonly [string, string, string]> = [
    ['/projects', 'ada', 'id'],
    [`/projects/${WEBSITE}/members`, 'ada', 'userId'],
    [`/projects/${WEBSITE}/tasks`, 'ada', 'id'],
    [`/projects/${WEBSITE}/tasks?status=todo`, 'ada', 'id'],
    [`/projects/${WEBSITE}/tasks?assigneeId=${USERS.cyd}`, 'ada', 'id'],
    [`/tasks/${seededTask(1, 2)}/comments`, 'ada', 'id'],
    [`/projects/${WEBSITE}/activity`, 'ada', 'id'],
    ['/activity', 'ada', 'id'],
    ['/activity', 'fay', 'id'],
];

describe.each(LISTS)('%s as %s', (path, as, key) => {
    test('gives every item once and in one order, whatever the page', async () => {
        const whole = await walk(path, 100, as);
        expect(whole.length).toBeGreaterThan(0);
        expect(new Set(whole.map((item) => item[key])).size).toBe(whole.length);
        for (const limit of [1, 3, 7]) expect(await walk(path, limit, as)).toEqual(whole);
    });

    test('takes no cursor of another list', async () => {
        const foreign = path.startsWith('/projects/') ? '/projects' : `/projects/${WEBSITE}/tasks`;
        const { body } = await api.call('GET', `${foreign}?limit=1`, { as: 'ada' });
        expect(body.nextCursor).not.toBeNull();
        const mixed = `${path}${path.includes('?') ? '&' : '?'}cursor=${body.nextCursor}`;
        expect(await api.call('GET', mixed, { as })).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    });
});

test('a personal list’s cursor is good for its reader only', async () => {
    const { body } = await api.call('GET', '/projects?limit=1', { as: 'ada' });
    expect((await api.call('GET', `/projects?cursor=${body.nextCursor}`, { as: 'ada' })).status).toBe(200);
    expect((await api.call('GET', `/projects?cursor=${body.nextCursor}`, { as: 'bob' })).status).toBe(400);
});

test('a filter’s cursor is not good for another filter', async () => {
    const path = `/projects/${WEBSITE}/tasks`;
    const { body } = await api.call('GET', `${path}?status=todo&limit=1`, { as: 'ada' });
    expect((await api.call('GET', `${path}?status=done&cursor=${body.nextCursor}`, { as: 'ada' })).status).toBe(400);
    expect((await api.call('GET', `${path}?cursor=${body.nextCursor}`, { as: 'ada' })).status).toBe(400);
});

test('each sees their own projects with their own role', async () => {
    const rolesOf = async (as: string) => {
        const items = await walk('/projects', 100, as);
        return items.map((item) => `${item['name']}: ${item['role']}`);
    };
    expect(await rolesOf('ada')).toEqual(['Website: owner', 'Mobile app: owner', 'Operations: owner']);
    expect(await rolesOf('bob')).toEqual(['Website: owner', 'Mobile app: editor', 'Operations: viewer']);
    expect(await rolesOf('fay')).toEqual(['Mobile app: commenter']);
    expect(await rolesOf('gus')).toEqual(['Warehouse: owner', 'Storefront: owner']);
});

test('activity is newest first, of what the reader may see, without marks of a loss', async () => {
    await api.sql`select tidings.append_reserved(${`project:${MOBILE}`}, 'tidings.reset', '{"reason": "capture_error"}')`;
    await api.sql`select tidings.emit(${`project:${MOBILE}`}, 'sprint.closed', '{"sprint": 7}')`;
    await api.sequence();
    const items = await walk('/activity', 2, 'fay');
    expect(items[0]).toMatchObject({
        event: 'sprint.closed',
        actorName: null,
        summary: 'Someone caused sprint.closed',
    });
    expect(new Set(items.map(({ topic }) => topic))).toEqual(new Set([`project:${MOBILE}`]));
    expect(items.map(({ event }) => event)).not.toContain('tidings.reset');
    const seqs = items.map(({ seq }) => Number(seq));
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
});

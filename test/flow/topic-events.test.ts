/** Paging a topic's events by request and answer, over a real server and database. */

import type { Sql, TransactionSql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOBILE, USERS, WAREHOUSE, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { type Reply, startTestServer, type TestServer, tokenFor } from '../support/server.ts';
import { closeSockets, type Frame } from '../support/socket-client.ts';

const TOPIC = `project:${WEBSITE}`;

let database: TestDatabase;
let sql: Sql;
let server: TestServer;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    server = await startTestServer(database.url);
});
afterAll(async () => {
    await closeSockets();
    await server.stop();
    await database.close();
});

const emit = (event: string, topic = TOPIC): PromiseLike<unknown> => sql`select tidings.emit(${topic}, ${event})`;

type Asked = { readonly since?: number; readonly epoch?: string; readonly limit?: number; readonly wait?: number };

/** One request. */
function ask(asked: Asked, userId: string = USERS.bob, topic = TOPIC, at = server): Promise<Reply> {
    const query = Object.entries(asked).map(([name, value]) => `${name}=${value}`);
    return at.call(userId, 'GET', `/topics/${encodeURIComponent(topic)}/events?${query.join('&')}`);
}

const itemsOf = ({ body }: Reply): readonly Frame[] => body['items'] as readonly Frame[];
const eventsOf = (reply: Reply): readonly unknown[] => itemsOf(reply).map((frame) => frame['event']);

/** Where the topic is. */
async function head(topic = TOPIC): Promise<{ since: number; epoch: string }> {
    const { body } = await ask({ wait: 0 }, USERS.bob, topic);
    return { since: Number(body['seq']), epoch: String(body['epoch']) };
}

describe('without waiting', () => {
    test('no since: nothing, and where to begin', async () => {
        const reply = await ask({ wait: 0 });
        expect([reply.status, reply.headers.get('cache-control')]).toEqual([200, 'no-store']);
        expect(reply.body).toEqual({
            items: [],
            seq: expect.any(Number),
            epoch: expect.any(String),
            outcome: 'live',
        });
    });

    test('the items are the frames of the socket', async () => {
        const socket = await server.join(USERS.bob, TOPIC);
        const before = await head();
        await emit('test.said');
        await socket.next({ type: 'event' });
        const { body } = await ask({ ...before, wait: 0 });
        expect(body).toEqual({
            items: socket.frames.filter(({ type }) => type === 'event'),
            seq: before.since + 1,
            epoch: before.epoch,
            outcome: 'resumed',
        });
    });

    test('pages that follow each other’s seq hold every event once', async () => {
        const topic = `project:${MOBILE}`;
        let place = await head(topic);
        await sql`select tidings.emit(${topic}, 'test.n' || n) from generate_series(1, 250) n`;
        const until = place.since + 250;
        const events: unknown[] = [];
        const sizes: number[] = [];
        while (place.since < until) {
            const reply = await ask({ ...place, limit: 60 }, USERS.bob, topic);
            events.push(...eventsOf(reply));
            sizes.push(itemsOf(reply).length);
            place = { since: Number(reply.body['seq']), epoch: String(reply.body['epoch']) };
        }
        expect(events).toEqual(Array.from({ length: 250 }, (_, n) => `test.n${n + 1}`));
        expect(Math.max(...sizes)).toBe(60);
    });

    test('a past that is gone is a reset, at once and without items', async () => {
        const { since, epoch } = await head();
        for (const place of [
            { since, epoch: 'another' },
            { since: since + 1000, epoch },
        ]) {
            const { body } = await ask({ ...place, wait: 25 });
            expect(body).toEqual({ items: [], seq: since, epoch, outcome: 'reset' });
        }
    });
});

describe('waiting', () => {
    test('wakes within milliseconds of the commit, for all that was committed together', async () => {
        const place = await head();
        const tookMs: number[] = [];
        for (let n = 0; n < 5; n += 1) {
            const asked = ask({ since: place.since + 2 * n, epoch: place.epoch });
            await waiting(1);
            const committedMs = performance.now();
            await sql`select tidings.emit(${TOPIC}, 'test.a'), tidings.emit(${TOPIC}, 'test.b')`;
            expect(eventsOf(await asked)).toEqual(['test.a', 'test.b']);
            tookMs.push(performance.now() - committedMs);
        }
        // Some 10 ms on a machine with nothing else to do.
        expect(Math.min(...tookMs)).toBeLessThan(250);
    });

    test('wakes without since, too', async () => {
        const asked = ask({});
        await waiting(1);
        await emit('test.first');
        expect((await asked).body).toMatchObject({ items: [{ event: 'test.first' }], outcome: 'live' });
    });

    test('a client that leaves is no failure of ours', async () => {
        const leaving = new AbortController();
        const headers = { authorization: `Bearer ${await tokenFor(USERS.bob)}` };
        const asked = fetch(`${server.url}/topics/${TOPIC}/events`, { headers, signal: leaving.signal });
        await waiting(1);
        leaving.abort();
        await expect(asked).rejects.toThrow('aborted');
        const answered = await server.observed(({ type }) => type === 'http.answered' || type === 'handler.failed');
        expect(answered).toMatchObject({ type: 'http.answered', status: 404 });
    });

    test('ends empty when its time is up', async () => {
        const { since, epoch } = await head();
        const startedMs = performance.now();
        expect((await ask({ since, epoch, wait: 1 })).body).toEqual({
            items: [],
            seq: since,
            epoch,
            outcome: 'resumed',
        });
        expect(performance.now() - startedMs).toBeGreaterThan(990);
        await waiting(1);
    });

    test('ends when the token does', async () => {
        const { since, epoch } = await head();
        const url = new URL(`/topics/${TOPIC}/events?since=${since}&epoch=${epoch}`, server.url);
        const authorization = `Bearer ${await tokenFor(USERS.bob, 2000)}`;
        const startedMs = performance.now();
        const response = await fetch(url, { headers: { authorization } });
        expect([response.status, await response.json()]).toMatchObject([200, { items: [] }]);
        expect(performance.now() - startedMs).toBeLessThan(10_000);
        await waiting(1);
    });

    test('holds no connection of the database: more wait than there are', async () => {
        const asked = Array.from({ length: 60 }, () => ask({}));
        await waiting(60);
        expect(await server.call(USERS.bob, 'GET', '/projects')).toMatchObject({ status: 200 });
        await emit('test.for_all');
        for (const reply of await Promise.all(asked)) expect(eventsOf(reply)).toEqual(['test.for_all']);
    });

    test('hears at once that the right is gone, in the same words as of what is not there', async () => {
        const asked = ask({}, USERS.eve);
        await waiting(1);
        await sql`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.eve}`;
        await emit('test.secret');
        const startedMs = performance.now();
        expect(await asked).toMatchObject({ status: 404, body: { code: 'not_found' } });
        expect(performance.now() - startedMs).toBeLessThan(10_000);
        await quietly((tx) => tx`insert into app.project_members values (${WEBSITE}, ${USERS.eve}, 'viewer')`);
    });

    test('a right that went without a word is looked at again before anything is answered', async () => {
        const asked = ask({}, USERS.eve);
        await waiting(1);
        // Nobody tells of this change, as may be with a policy that looks at the time of day.
        await quietly(
            (tx) => tx`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.eve}`,
        );
        await emit('test.secret');
        expect(await asked).toMatchObject({ status: 404 });
        await quietly((tx) => tx`insert into app.project_members values (${WEBSITE}, ${USERS.eve}, 'viewer')`);
    });

    test('a change that takes nothing away costs no event, and no wait', async () => {
        const asked = ask({}, USERS.eve);
        await waiting(1);
        const startedMs = performance.now();
        await sql`select tidings.access_changed(${USERS.eve}), tidings.emit(${TOPIC}, 'test.kept')`;
        expect(eventsOf(await asked)).toEqual(['test.kept']);
        expect(performance.now() - startedMs).toBeLessThan(5000);
    });

    test('a loss meanwhile is the answer: no items, and a place to go on from once loaded anew', async () => {
        const { since, epoch } = await head();
        const asked = ask({ since, epoch });
        await waiting(1);
        await sql`truncate app.comments`;
        const { body } = await asked;
        expect(body).toMatchObject({ items: [], seq: since, outcome: 'reset' });
        expect(body['epoch']).not.toBe(epoch);
        await emit('test.after');
        const next = await ask({ since, epoch: String(body['epoch']) });
        expect(next.body).toMatchObject({ items: [{ event: 'test.after' }], outcome: 'resumed' });
    });

    test('ends at a stop, without an error', async () => {
        const leaving = await startTestServer(database.url);
        const asked = Array.from({ length: 5 }, () => ask({}, USERS.bob, TOPIC, leaving));
        await waiting(5, leaving);
        await leaving.stop();
        for (const { status, body } of await Promise.all(asked))
            expect([status, body]).toMatchObject([200, { items: [] }]);
    });
});

describe('refused are', () => {
    test.each([
        ['a topic one may not read', `project:${WAREHOUSE}`],
        ['one that is not there', 'project:00000000-0000-4000-8000-00000000dead'],
        ['one of no kind', 'nothing:1'],
        ['one of the engine', 'tidings:access'],
        ['another’s own', `user:${USERS.ada}`],
        ['what is none', 'project'],
    ])('%s, alike', async (_, topic) => {
        const { status, body } = await ask({}, USERS.bob, topic);
        expect([status, body]).toMatchObject([
            404,
            { code: 'not_found', detail: 'expected something that exists and that you may see' },
        ]);
    });

    test.each([
        'since=1',
        'epoch=k',
        'since=-1&epoch=k',
        'limit=0',
        'limit=1001',
        'wait=26',
        'wait=-1',
        'wait=x',
        'page=2',
    ])('%s', async (query) => {
        const { status, body } = await server.call(USERS.bob, 'GET', `/topics/${TOPIC}/events?${query}`);
        expect([status, body]).toMatchObject([400, { code: 'bad_request' }]);
    });

    test('who brings no token', async () => {
        expect(await server.call(null, 'GET', `/topics/${TOPIC}/events`)).toMatchObject({ status: 401 });
    });
});

/** Changes something without a trigger: no event comes of it, and nobody is told of a change of rights. */
async function quietly(change: (tx: TransactionSql) => PromiseLike<unknown>): Promise<void> {
    await sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await change(tx);
    });
}

/** Resolves when so many more requests wait: a test takes note of each of its own. */
async function waiting(count: number, at = server): Promise<void> {
    for (let n = 0; n < count; n += 1) await at.observed({ type: 'poll.waiting', topic: TOPIC }, 10_000);
}

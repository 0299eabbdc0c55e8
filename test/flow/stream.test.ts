/** Server-sent events of a real server: the frames of the socket, resumed without loss or repetition. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MOBILE, seededTask, USERS, WAREHOUSE, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { closeEventSources, type EventSource, openEventSource } from '../support/event-source.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';

const [ON_WEBSITE, ON_MOBILE, ON_WAREHOUSE] = [`project:${WEBSITE}`, `project:${MOBILE}`, `project:${WAREHOUSE}`];
const OWN = `user:${USERS.bob}`;

let database: TestDatabase;
let sql: Sql;
let server: TestServer;
let other: TestServer;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    server = await startTestServer(database.url, { settings: { heartbeatMs: 1000 } });
    other = await startTestServer(database.url);
});
afterEach(async () => {
    closeEventSources();
    await closeSockets();
});
afterAll(async () => {
    await server.stop();
    await other.stop();
    await database.close();
});

const emit = (topic: string, event: string): PromiseLike<unknown> => sql`select tidings.emit(${topic}, ${event})`;

/** A stream of topics of a user. */
async function stream(userId: string, topics: readonly string[], lastEventId?: string, at = server) {
    const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join('&');
    return await openEventSource(at.url, `/stream?${query}`, { token: await tokenFor(userId), lastEventId });
}

/** The seqs of the events of a topic. */
function seqsOf({ messages }: EventSource, topic: string): unknown[] {
    return messages.flatMap(({ frame }) =>
        frame['type'] === 'event' && frame['topic'] === topic ? [frame['seq']] : [],
    );
}

test('gives the very frames of the socket', async () => {
    const topics = [ON_WEBSITE, ON_MOBILE, OWN];
    const socket = await server.join(USERS.bob);
    socket.send({ type: 'subscribe', topics: topics.map((topic) => ({ topic })) });
    const source = await stream(USERS.bob, topics);
    expect([source.status, source.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    for (const topic of topics) {
        const frame = await source.next();
        expect(frame).toMatchObject({ type: 'subscribed', topic, outcome: 'live' });
        expect(await socket.next({ type: 'subscribed' })).toEqual(frame);
    }
    const sent = { body: { title: 'Grüße\n\n"\u2028' } };
    expect(await server.call(USERS.bob, 'PATCH', `/tasks/${seededTask(1, 1)}`, sent)).toMatchObject({ status: 200 });
    await emit(ON_MOBILE, 'test.said');
    await emit(OWN, 'test.whispered');
    for (const topic of topics) {
        const frame = await source.next({ type: 'event', topic });
        expect(await socket.next({ type: 'event', topic })).toEqual(frame);
    }
    expect(source.messages.map(({ id }) => id === null)).toEqual([true, true, true, false, false, false]);
    await source.until(() => (source.comments.includes('ping') ? true : undefined), 'a heartbeat');
});

test('resumes every topic without loss or repetition, on any server', async () => {
    const first = await stream(USERS.bob, [ON_WEBSITE, ON_MOBILE, OWN]);
    await first.next({ type: 'subscribed', topic: OWN });
    await emit(ON_WEBSITE, 'test.seen');
    const seen = Number((await first.next({ event: 'test.seen' }))['seq']);
    first.close();
    for (const topic of [ON_MOBILE, ON_WEBSITE, OWN, ON_WEBSITE]) await emit(topic, 'test.missed');

    const second = await stream(USERS.bob, [OWN, ON_MOBILE, ON_WEBSITE], first.lastEventId, other);
    for (const topic of [OWN, ON_MOBILE, ON_WEBSITE]) {
        expect(await second.next({ topic, type: 'subscribed' })).toMatchObject({ outcome: 'resumed' });
    }
    await second.next({ event: 'test.missed', topic: ON_WEBSITE, seq: seen + 2 });
    await emit(ON_WEBSITE, 'test.live');
    await second.next({ event: 'test.live', seq: seen + 3 });
    expect(seqsOf(second, ON_WEBSITE)).toEqual([seen + 1, seen + 2, seen + 3]);
    expect(seqsOf(second, ON_MOBILE)).toHaveLength(1);
    expect(seqsOf(second, OWN)).toHaveLength(1);
});

test('cut wherever it may be, it goes on where it was: every event once', async () => {
    const start = await stream(USERS.bob, [ON_WEBSITE, ON_MOBILE, OWN]);
    await start.next({ type: 'subscribed', topic: OWN });
    await emit(ON_WEBSITE, 'test.first');
    const base = Number((await start.next({ event: 'test.first' }))['seq']);
    start.close();
    const rounds = 120;
    const writing = (async () => {
        for (let n = 0; n < rounds; n += 1) await emit([ON_WEBSITE, ON_MOBILE, OWN][n % 3] ?? OWN, `test.n${n}`);
        for (const topic of [ON_WEBSITE, ON_MOBILE, OWN]) await emit(topic, 'test.last');
    })();
    const got = new Map<string, unknown[]>();
    let lastEventId = start.lastEventId;
    let topicsDone = 0;
    for (let cut = 1; topicsDone < 3; cut += 1) {
        const source = await stream(
            USERS.bob,
            [ON_WEBSITE, ON_MOBILE, OWN],
            lastEventId,
            cut % 2 === 0 ? server : other,
        );
        const events = () => source.messages.filter(({ frame }) => frame['type'] === 'event');
        const lasts = () => events().filter(({ frame }) => frame['event'] === 'test.last').length;
        const isEnough = () => events().length > cut % 7 || topicsDone + lasts() === 3;
        await source.until(() => (isEnough() ? true : undefined), 'some events');
        source.close();
        topicsDone += lasts();
        for (const { frame, id } of source.messages) {
            if (frame['type'] === 'subscribed') expect(frame).toMatchObject({ outcome: 'resumed' });
            if (frame['type'] !== 'event') continue;
            const topic = String(frame['topic']);
            got.set(topic, [...(got.get(topic) ?? []), frame['event']]);
            lastEventId = id ?? lastEventId;
        }
    }
    await writing;
    expect(base).toBeGreaterThan(0);
    for (const [n, topic] of [ON_WEBSITE, ON_MOBILE, OWN].entries()) {
        const words = Array.from({ length: rounds / 3 }, (_, k) => `test.n${3 * k + n}`);
        expect(got.get(topic)).toEqual([...words, 'test.last']);
    }
});

test('takes since and epoch for one topic', async () => {
    const socket = await server.join(USERS.bob);
    socket.send({ type: 'subscribe', topic: ON_WEBSITE });
    const { seq, epoch } = await socket.next({ type: 'subscribed', topic: ON_WEBSITE });
    const path = `/stream?topic=${ON_WEBSITE}&since=${Number(seq) - 2}&epoch=${epoch}`;
    const source = await openEventSource(server.url, path, { token: await tokenFor(USERS.bob) });
    expect(await source.next({ type: 'subscribed' })).toMatchObject({ outcome: 'resumed', seq });
    await source.next({ type: 'event', seq });
    expect(seqsOf(source, ON_WEBSITE)).toEqual([Number(seq) - 1, seq]);
});

test('an id that can’t be read, or of another epoch, resets every topic', async () => {
    for (const lastEventId of ['42', '1;nope;x', '1;other;', 'x'.repeat(3000)]) {
        const source = await stream(USERS.bob, [ON_MOBILE, ON_WEBSITE], lastEventId);
        expect(await source.next({ topic: ON_MOBILE })).toMatchObject({ outcome: 'reset' });
        expect(await source.next({ topic: ON_WEBSITE })).toMatchObject({ outcome: 'reset' });
        await emit(ON_WEBSITE, 'test.after');
        await source.next({ event: 'test.after' });
    }
});

test('a topic one may not read, and one that is not there, are refused alike; the others go on', async () => {
    const nobody = 'project:00000000-0000-4000-8000-00000000dead';
    const source = await stream(USERS.bob, [ON_WAREHOUSE, nobody, 'tidings:access', ON_WEBSITE]);
    for (const topic of [ON_WAREHOUSE, nobody, 'tidings:access']) {
        const message = 'expected a topic you may read';
        expect(await source.next({ type: 'error' })).toEqual({ type: 'error', code: 'forbidden', message, topic });
    }
    await source.next({ type: 'subscribed', topic: ON_WEBSITE });
    await emit(ON_WAREHOUSE, 'test.secret');
    await emit(ON_WEBSITE, 'test.told');
    await source.next({ event: 'test.told' });
    expect(seqsOf(source, ON_WAREHOUSE)).toEqual([]);
});

test('a forged id opens nothing', async () => {
    const admin = await stream(USERS.gus, [ON_WAREHOUSE]);
    await admin.next({ type: 'subscribed' });
    await emit(ON_WAREHOUSE, 'test.secret');
    await admin.next({ event: 'test.secret' });
    const source = await stream(USERS.bob, [ON_WAREHOUSE], admin.lastEventId);
    expect(await source.next({ topic: ON_WAREHOUSE })).toMatchObject({ type: 'error', code: 'forbidden' });
    // No topic is left; a browser, which comes back by itself, is told to take its time.
    expect(await source.ended()).toBe(true);
    expect(source.retryMs).toBe(60_000);
});

describe('the token', () => {
    test('may be in the query, and is seen nowhere', async () => {
        const token = await tokenFor(USERS.bob);
        const source = await openEventSource(server.url, `/stream?topic=${ON_WEBSITE}&token=${token}`);
        expect(await source.next({ type: 'subscribed' })).toMatchObject({ topic: ON_WEBSITE });
    });

    test('that expires ends the stream with the error of the socket', async () => {
        const token = await tokenFor(USERS.bob, 1500);
        const source = await openEventSource(server.url, `/stream?topic=${ON_WEBSITE}`, { token });
        await source.next({ type: 'subscribed' });
        expect(await source.next({ type: 'error' })).toMatchObject({ code: 'unauthorized' });
        expect(await source.ended()).toBe(true);
    });
});

test('what is lost ends with unsubscribed, nothing of it comes after, and the rest goes on', async () => {
    const source = await stream(USERS.eve, [ON_WEBSITE, `user:${USERS.eve}`]);
    await source.next({ type: 'subscribed', topic: `user:${USERS.eve}` });
    const alone = await stream(USERS.eve, [ON_WEBSITE]);
    await alone.next({ type: 'subscribed' });
    await sql`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.eve}`;
    await emit(ON_WEBSITE, 'test.after');
    expect(await source.next({ type: 'unsubscribed' })).toEqual({
        type: 'unsubscribed',
        topic: ON_WEBSITE,
        reason: 'revoked',
    });
    expect(await alone.next()).toMatchObject({ type: 'unsubscribed', reason: 'revoked' });
    expect(await alone.ended()).toBe(true);
    await emit(`user:${USERS.eve}`, 'test.own');
    await source.next({ event: 'test.own' });
    expect(seqsOf(source, ON_WEBSITE)).toEqual([]);
    const again = await stream(USERS.eve, [ON_WEBSITE], source.lastEventId);
    expect(await again.next({ topic: ON_WEBSITE })).toMatchObject({ type: 'error', code: 'forbidden' });
    await sql`insert into app.project_members values (${WEBSITE}, ${USERS.eve}, 'viewer')`;
});

test('disconnect ends the user’s streams', async () => {
    const source = await stream(USERS.dee, [ON_WEBSITE]);
    await source.next({ type: 'subscribed' });
    await sql`select tidings.disconnect(${USERS.dee})`;
    expect(await source.next({ type: 'error' })).toMatchObject({ code: 'forbidden' });
    expect(await source.ended()).toBe(true);
});

test('a client that goes leaves at once', async () => {
    const source = await stream(USERS.fay, [ON_MOBILE]);
    await source.next({ type: 'subscribed' });
    source.close();
    await server.observed({ type: 'socket.closed', userId: USERS.fay, code: 1006 });
});

test('at a stop every stream is told when to come back, and ends', async () => {
    const leaving = await startTestServer(database.url);
    const sources = await Promise.all(
        Array.from({ length: 6 }, () => stream(USERS.bob, [ON_WEBSITE], undefined, leaving)),
    );
    for (const source of sources) await source.next({ type: 'subscribed' });
    const before = sources.map(({ retryMs }) => retryMs);
    const stopped = leaving.stop();
    for (const source of sources) expect(await source.ended()).toBe(true);
    await stopped;
    const after = sources.map(({ retryMs }) => retryMs);
    expect(after).not.toEqual(before);
    expect(new Set(after).size).toBeGreaterThan(1);
    for (const retryMs of after) expect(retryMs).toEqual(expect.any(Number));
});

test('a slow reader is fed from the log and misses nothing, while others are served', async () => {
    const patient = await startTestServer(database.url, { env: { WS_MAX_BACKPRESSURE_BYTES: '65536' } });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
        release = resolve;
    });
    const [path, token] = [`/stream?topic=${ON_MOBILE}`, await tokenFor(USERS.bob)];
    const quick = await openEventSource(patient.url, path, { token });
    const slow = await openEventSource(patient.url, path, { token, held });
    const { seq } = await quick.next({ type: 'subscribed' });
    const count = 4000;
    // Some 16 MB: more than the buffers between the two.
    await sql`
        select tidings.emit(${ON_MOBILE}, 'test.large', jsonb_build_object('text', repeat('x', 4000)))
        from generate_series(1, ${count})
    `;
    const last = Number(seq) + count;
    await quick.next({ seq: last });
    await patient.observed({ type: 'socket.slow', slow: true }, 10_000);
    expect(slow.messages).toEqual([]);
    release();
    await slow.next({ seq: last });
    expect(seqsOf(slow, ON_MOBILE)).toEqual(Array.from({ length: count }, (_, n) => Number(seq) + 1 + n));
    expect(slow.messages.filter(({ frame }) => frame['type'] === 'reset')).toEqual([]);
    await patient.stop();
}, 60_000);

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { seededTask, USERS, WAREHOUSE, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';
import {
    type ConnectOptions,
    closeSockets,
    connectSocket,
    type Frame,
    type SocketClient,
    type TokenPlace,
} from '../support/socket-client.ts';

const PLACES: readonly TokenPlace[] = ['header', 'subprotocol', 'query', 'message'];
const TOPIC = `project:${WEBSITE}`;
const FOREIGN = `project:${WAREHOUSE}`;
const OWN = `user:${USERS.bob}`;
const AUTH_DEADLINE_MS = 1000;

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    server = await startTestServer(database.url, {
        env: { REPLAY_LIMIT: '50', WS_MAX_SUBSCRIPTIONS: '3', WS_MAX_MESSAGE_BYTES: '4096' },
        settings: { authDeadlineMs: AUTH_DEADLINE_MS },
    });
});
afterEach(closeSockets);
afterAll(async () => {
    await server.stop();
    await database.close();
});

function connect(options: ConnectOptions = {}): Promise<SocketClient> {
    return connectSocket(server.url, options);
}

/** A socket that has sent one frame, and the answer to it. */
async function answerTo(client: SocketClient, frame: unknown): Promise<Frame> {
    client.send(frame);
    return await client.next();
}

/** Puts so many events on a topic, `n` counting from 1 in their data. */
async function emit(topic: string, count = 1, event = 'test.happened'): Promise<void> {
    const { sql } = database;
    await sql`select tidings.emit(${topic}, ${event}, jsonb_build_object('n', n)) from generate_series(1, ${count}) n`;
}

/** The frames until the marker that is put on `topic` now, without it. */
async function untilMarker(client: SocketClient, topic: string): Promise<readonly Frame[]> {
    const from = client.frames.length;
    await emit(topic, 1, 'test.marker');
    const marker = await client.next({ type: 'event', topic, event: 'test.marker' });
    return client.frames.slice(from, client.frames.indexOf(marker));
}

/** Seqs of a topic's events among frames. */
function seqsOf(frames: readonly Frame[], topic = TOPIC): readonly unknown[] {
    return frames.filter((frame) => frame['type'] === 'event' && frame['topic'] === topic).map(({ seq }) => seq);
}

function range(from: number, upto: number): readonly number[] {
    return Array.from({ length: upto - from + 1 }, (_, n) => from + n);
}

describe('a token', () => {
    test.each(PLACES)('of place %s is welcomed', async (place) => {
        const client = await connect({ token: await tokenFor(USERS.bob, 60_000), place });
        expect(await client.next()).toEqual({
            type: 'welcome',
            connection: expect.stringMatching(/^[0-9a-f-]{36}$/),
            userId: USERS.bob,
            expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
            heartbeatMs: 25_000,
            limits: { messageBytes: 4096, subscriptions: 3, replay: 50 },
            topics: [{ topic: OWN, seq: expect.any(Number), epoch: expect.any(String) }],
        });
    });

    const bad: Readonly<Record<string, () => Promise<string>>> = {
        bad: () => tokenFor(USERS.bob, 60_000, 'another secret, also of 32 bytes and more'),
        'cut off': async () => (await tokenFor(USERS.bob)).slice(0, -3),
        expired: () => tokenFor(USERS.bob, -60_000),
        empty: async () => '',
    };
    const cases = PLACES.flatMap((place) => Object.keys(bad).map((fault) => ({ place, fault })));
    test.each(cases)('$fault in place $place: one error for all, then 4401', async ({ place, fault }) => {
        const client = await connect({ token: await bad[fault]?.(), place });
        expect(await client.ended()).toEqual({ code: 4401, reason: 'unauthorized' });
        expect(client.frames).toEqual([
            { type: 'error', code: 'unauthorized', message: 'expected a valid, unexpired token' },
        ]);
    });

    test('that does not come in time: 4408', async () => {
        const client = await connect();
        expect(await client.ended()).toEqual({ code: 4408, reason: 'unauthorized' });
        expect(client.frames).toEqual([
            {
                type: 'error',
                code: 'unauthorized',
                message: `expected authentication within ${AUTH_DEADLINE_MS} ms`,
            },
        ]);
    });

    test('that does not come first: 4401', async () => {
        const client = await connect();
        client.send({ type: 'subscribe', topic: TOPIC });
        expect((await client.ended()).code).toBe(4401);
        expect(client.frames).toMatchObject([{ type: 'error', code: 'unauthorized' }]);
    });

    test('sent as the first message has its ref in the welcome', async () => {
        const client = await connect();
        const token = await tokenFor(USERS.bob);
        expect(await answerTo(client, { type: 'auth', token, ref: 'first' })).toMatchObject({
            type: 'welcome',
            ref: 'first',
        });
    });

    test('may be followed at once by what is meant for after it', async () => {
        const client = await connect();
        client.send({ type: 'auth', token: await tokenFor(USERS.bob) });
        client.send({ type: 'subscribe', topic: TOPIC, ref: 's' });
        client.send({ type: 'ping', ref: 'p' });
        const answers = [await client.next(), await client.next(), await client.next()];
        expect(answers.map(({ type }) => type)).toEqual(['welcome', 'subscribed', 'pong']);
    });

    test('refused as the first message has its ref in the error', async () => {
        const client = await connect();
        expect(await answerTo(client, { type: 'auth', token: 'none', ref: 'first' })).toEqual({
            type: 'error',
            code: 'unauthorized',
            message: 'expected a valid, unexpired token',
            ref: 'first',
        });
        expect((await client.ended()).code).toBe(4401);
    });

    test('in the header counts, also if another place has a better one', async () => {
        const headers = { authorization: 'Bearer none' };
        const client = await connect({ token: await tokenFor(USERS.bob), place: 'query', headers });
        expect((await client.ended()).code).toBe(4401);
    });

    test('whose time is over closes with 4401, unless a new one of the same user came', async () => {
        const token = await tokenFor(USERS.bob, 2000);
        const [renewed, left] = [await connect({ token }), await connect({ token })];
        await Promise.all([renewed.next({ type: 'welcome' }), left.next({ type: 'welcome' })]);
        const next = await tokenFor(USERS.bob, 60_000);
        expect(await answerTo(renewed, { type: 'auth', token: next, ref: 'r' })).toEqual({
            type: 'authenticated',
            expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
            ref: 'r',
        });
        expect(await left.ended()).toEqual({ code: 4401, reason: 'unauthorized' });
        expect(left.frames.at(-1)).toEqual({
            type: 'error',
            code: 'unauthorized',
            message: 'expected a valid, unexpired token',
        });
        expect(await answerTo(renewed, { type: 'ping', ref: 'p' })).toEqual({ type: 'pong', ref: 'p' });
    });

    test('of another user is refused on a live socket', async () => {
        const client = await server.join(USERS.bob, TOPIC);
        const token = await tokenFor(USERS.ada);
        expect(await answerTo(client, { type: 'auth', token, ref: 'other' })).toEqual({
            type: 'error',
            code: 'unauthorized',
            message: 'expected a valid, unexpired token',
            ref: 'other',
        });
        expect((await client.ended()).code).toBe(4401);
    });
});

test('a web page of a foreign origin gets 403', async () => {
    const headers = { origin: 'https://evil.example' };
    await expect(connect({ token: await tokenFor(USERS.bob), headers })).rejects.toThrow('403');
});

describe('what may not be read', () => {
    const stranger = '00000000-0000-4000-8000-0000000002ff';
    test.each([
        { what: 'a project one is no member of', topic: 'project:00000000-0000-4000-8000-000000000202', as: USERS.dee },
        { what: 'a project of another organisation', topic: FOREIGN, as: USERS.bob },
        { what: "a project of another organisation, to that organisation's admin", topic: TOPIC, as: USERS.gus },
        { what: 'a project there is none of', topic: `project:${stranger}`, as: USERS.bob },
        { what: 'an id that is no project id', topic: 'project:17', as: USERS.bob },
        { what: "another user's topic", topic: `user:${USERS.ada}`, as: USERS.bob },
        { what: 'a kind nobody declared', topic: 'sprint:7', as: USERS.bob },
        { what: "the engine's own topic", topic: 'tidings:access', as: USERS.ada },
        { what: 'anything, to a user nobody knows', topic: TOPIC, as: 'auth0|nobody' },
    ])('$what: forbidden, and the socket stays', async ({ topic, as }) => {
        const client = await server.join(as);
        expect(await answerTo(client, { type: 'subscribe', topic, ref: 'f' })).toEqual({
            type: 'error',
            code: 'forbidden',
            message: 'expected a topic you may read',
            topic,
            ref: 'f',
        });
        if (!topic.startsWith('tidings:')) await emit(topic);
        expect(await untilMarker(client, `user:${as}`)).toEqual([]);
    });
});

test('a topic in another spelling than its events have is forbidden, rather than silent', async () => {
    const id = 'abcdefab-0000-4000-8000-000000000201';
    await database.sql`
        insert into app.projects (id, organisation_id, name) values (${id}, '00000000-0000-4000-8000-000000000001', 'Letters')
    `;
    const client = await server.join(USERS.ada);
    for (const [spelt, type] of [
        [id, 'subscribed'],
        [id.toUpperCase(), 'error'],
        [id.replaceAll('-', ''), 'error'],
    ]) {
        expect(await answerTo(client, { type: 'subscribe', topic: `project:${spelt}` })).toMatchObject({ type });
    }
});

describe('what is malformed', () => {
    test.each([
        { what: 'text that is not JSON', sent: '{"type":', ref: {} },
        { what: 'JSON that is no object', sent: '[1]', ref: {} },
        { what: 'an unknown type', sent: { type: 'shout', ref: 'a' }, ref: { ref: 'a' } },
        { what: 'no type', sent: { ref: 'a' }, ref: { ref: 'a' } },
        { what: 'an unknown field', sent: { type: 'ping', loud: true, ref: 'a' }, ref: { ref: 'a' } },
        { what: 'a topic that is none', sent: { type: 'subscribe', topic: 'Project', ref: 'a' }, ref: { ref: 'a' } },
        {
            what: 'since without epoch',
            sent: { type: 'subscribe', topic: TOPIC, since: 1, ref: 'a' },
            ref: { ref: 'a' },
        },
        { what: 'epoch without since', sent: { type: 'subscribe', topic: TOPIC, epoch: 'e' }, ref: {} },
        { what: 'since below 0', sent: { type: 'subscribe', topic: TOPIC, since: -1, epoch: 'e' }, ref: {} },
        { what: 'a ref that is too long', sent: { type: 'ping', ref: 'r'.repeat(65) }, ref: {} },
    ])('$what: bad_request, and the socket stays', async ({ sent, ref }) => {
        const client = await server.join(USERS.bob);
        const { topic: _topic, ...answer } = await answerTo(client, sent);
        expect(answer).toEqual({
            type: 'error',
            code: 'bad_request',
            message: expect.stringMatching(/^expected .+, got .+/),
            ...ref,
        });
        expect(await answerTo(client, { type: 'ping' })).toEqual({ type: 'pong' });
    });

    test('a binary frame is a violation: 4400', async () => {
        const client = await server.join(USERS.bob);
        client.send(Buffer.from('{"type":"ping"}'));
        expect(await client.ended()).toEqual({ code: 4400, reason: 'bad_request' });
        expect(client.frames.at(-1)).toMatchObject({ type: 'error', code: 'bad_request' });
    });

    test('a frame over WS_MAX_MESSAGE_BYTES: 1009, which may arrive as 1006', async () => {
        const client = await server.join(USERS.bob);
        client.send({ type: 'ping', ref: 'r'.repeat(4096) });
        expect([1009, 1006]).toContain((await client.ended()).code);
    });

    test('the topic comes back with what is wrong with it', async () => {
        const client = await server.join(USERS.bob);
        expect(await answerTo(client, { type: 'subscribe', topic: 'no topic' })).toMatchObject({ topic: 'no topic' });
    });
});

test("a topic more than WS_MAX_SUBSCRIPTIONS, one's own not counted: too_many_subscriptions until one is left", async () => {
    const topics = [1, 2, 3].map((n) => `project:00000000-0000-4000-8000-00000000020${n}`);
    const client = await server.join(USERS.ada, ...topics);
    const one = { type: 'subscribe', topic: 'project:00000000-0000-4000-8000-0000000002ff', ref: 'more' };
    expect(await answerTo(client, one)).toMatchObject({ type: 'error', code: 'too_many_subscriptions', ref: 'more' });
    expect(await answerTo(client, { type: 'subscribe', topic: topics[0] })).toMatchObject({ type: 'subscribed' });
    expect(await answerTo(client, { type: 'unsubscribe', topic: topics[0] })).toMatchObject({ type: 'unsubscribed' });
    expect(await answerTo(client, one)).toMatchObject({ type: 'error', code: 'forbidden', ref: 'more' });
});

describe('leaving', () => {
    test("one's own topic is refused", async () => {
        const client = await server.join(USERS.bob);
        expect(await answerTo(client, { type: 'unsubscribe', topic: OWN, ref: 'u' })).toMatchObject({
            type: 'error',
            code: 'bad_request',
            topic: OWN,
            ref: 'u',
        });
        expect(await untilMarker(client, OWN)).toEqual([]);
    });

    test('a topic that was not joined is not_subscribed', async () => {
        const client = await server.join(USERS.bob);
        expect(await answerTo(client, { type: 'unsubscribe', topic: TOPIC, ref: 'u' })).toMatchObject({
            type: 'error',
            code: 'not_subscribed',
            topic: TOPIC,
            ref: 'u',
        });
    });

    test('a topic: silence from then on', async () => {
        const client = await server.join(USERS.bob, TOPIC);
        await emit(TOPIC);
        await client.next({ type: 'event', topic: TOPIC });
        expect(await answerTo(client, { type: 'unsubscribe', topic: TOPIC, ref: 'u' })).toEqual({
            type: 'unsubscribed',
            topic: TOPIC,
            reason: 'requested',
            ref: 'u',
        });
        await emit(TOPIC, 3);
        expect(await untilMarker(client, OWN)).toEqual([]);
    });
});

describe('coming back', () => {
    /** A topic's position now, as `subscribed` tells it. */
    async function positionOf(topic = TOPIC): Promise<{ seq: number; epoch: string }> {
        const client = await connect({ token: await tokenFor(USERS.bob) });
        client.send({ type: 'subscribe', topic });
        const { seq, epoch } = await client.next({ type: 'subscribed', topic });
        await client.close();
        return { seq: Number(seq), epoch: String(epoch) };
    }

    test('with since and epoch: exactly what was missed, then what happens', async () => {
        const { seq, epoch } = await positionOf();
        await emit(TOPIC, 20);
        await server.call(USERS.cyd, 'PATCH', `/tasks/${seededTask(1, 1)}`, { body: { title: 'Missed' } });
        const watcher = await server.join(USERS.ada, TOPIC);
        await untilMarker(watcher, TOPIC);
        const head = seq + 22;

        const client = await server.join(USERS.bob);
        const answer = await answerTo(client, { type: 'subscribe', topic: TOPIC, since: seq, epoch, ref: 'back' });
        expect(answer).toEqual({ type: 'subscribed', topic: TOPIC, seq: head, epoch, outcome: 'resumed', ref: 'back' });
        await client.next({ type: 'event', topic: TOPIC, seq: head });
        await emit(TOPIC, 2);
        await client.next({ type: 'event', topic: TOPIC, seq: head + 2 });
        const told = client.frames.slice(client.frames.indexOf(answer) + 1);
        expect(told.map((frame) => frame['seq'])).toEqual(range(seq + 1, head + 2));
        expect(told[20]).toMatchObject({ event: 'task.updated', actorId: USERS.cyd, requestId: expect.any(String) });
        await watcher.next({ type: 'event', topic: TOPIC, seq: head + 2 });
        expect(told.slice(-2)).toEqual(watcher.frames.slice(-2));
    });

    test('to where nothing was missed: resumed with nothing', async () => {
        const { seq, epoch } = await positionOf();
        const client = await server.join(USERS.bob);
        expect(await answerTo(client, { type: 'subscribe', topic: TOPIC, since: seq, epoch })).toEqual({
            type: 'subscribed',
            topic: TOPIC,
            seq,
            epoch,
            outcome: 'resumed',
        });
        expect(await untilMarker(client, TOPIC)).toEqual([]);
    });

    test.each([
        { what: 'of another epoch', since: (seq: number) => seq, epochOf: () => 'another' },
        { what: 'above the head', since: (seq: number) => seq + 1, epochOf: (epoch: string) => epoch },
        { what: 'beyond REPLAY_LIMIT', since: (seq: number) => seq - 51, epochOf: (epoch: string) => epoch },
    ])('with a since $what: reset, nothing of the past, then what happens', async ({ since, epochOf }) => {
        await emit(TOPIC, 60);
        const watcher = await server.join(USERS.ada, TOPIC);
        await untilMarker(watcher, TOPIC);
        const { seq, epoch } = await positionOf();
        const client = await server.join(USERS.bob);
        const asked = { type: 'subscribe', topic: TOPIC, since: since(seq), epoch: epochOf(epoch) };
        expect(await answerTo(client, asked)).toEqual({
            type: 'subscribed',
            topic: TOPIC,
            seq,
            epoch,
            outcome: 'reset',
        });
        expect(await untilMarker(client, TOPIC)).toEqual([]);
        expect(client.frames.at(-1)).toMatchObject({ seq: seq + 1 });
    });

    test('to a topic one reads already: it restarts, and every event comes once more and in order', async () => {
        const { seq, epoch } = await positionOf();
        const client = await server.join(USERS.bob, TOPIC);
        await emit(TOPIC, 5);
        await client.next({ type: 'event', topic: TOPIC, seq: seq + 5 });
        const before = client.frames.length;
        client.send({ type: 'subscribe', topic: TOPIC, since: seq + 2, epoch, ref: 'again' });
        await emit(TOPIC, 30);
        await client.next({ type: 'event', topic: TOPIC, seq: seq + 35 });
        const after = client.frames.slice(before);
        const restarted = after.findIndex((frame) => frame['type'] === 'subscribed');
        expect(after[restarted]).toMatchObject({ outcome: 'resumed', epoch, ref: 'again' });
        expect(seqsOf(after.slice(0, restarted))).toEqual(range(seq + 6, seq + 5 + restarted));
        expect(seqsOf(after.slice(restarted))).toEqual(range(seq + 3, seq + 35));
        expect(await untilMarker(client, TOPIC)).toEqual([]);
    });

    test("to one's own topic: it restarts too", async () => {
        const client = await connect({ token: await tokenFor(USERS.bob) });
        const welcome = await client.next({ type: 'welcome' });
        const [own] = welcome['topics'] as readonly [{ seq: number; epoch: string }];
        await emit(OWN, 2);
        await client.next({ type: 'event', topic: OWN, seq: own.seq + 2 });
        client.send({ type: 'subscribe', topic: OWN, since: own.seq, epoch: own.epoch });
        expect(await client.next()).toMatchObject({ type: 'subscribed', outcome: 'resumed', seq: own.seq + 2 });
        expect([await client.next(), await client.next()].map((frame) => frame['seq'])).toEqual([
            own.seq + 1,
            own.seq + 2,
        ]);
        expect(await untilMarker(client, OWN)).toEqual([]);
    });

    test('to many topics at once: one answer each, in the order asked', async () => {
        const { seq, epoch } = await positionOf();
        await emit(TOPIC, 1);
        const operations = 'project:00000000-0000-4000-8000-000000000203';
        const client = await server.join(USERS.bob);
        const topics = [
            { topic: TOPIC, since: seq, epoch },
            { topic: FOREIGN },
            { topic: 'nothing' },
            { topic: operations, since: 3 },
            { topic: operations },
        ];
        client.send({ type: 'subscribe', topics, ref: 'b' });
        await client.next({ type: 'subscribed', topic: operations });
        const answers = client.frames.filter((frame) => frame['ref'] === 'b');
        expect(answers).toMatchObject([
            { type: 'subscribed', topic: TOPIC, outcome: 'resumed' },
            { type: 'error', code: 'forbidden', topic: FOREIGN },
            { type: 'error', code: 'bad_request', topic: 'nothing' },
            { type: 'error', code: 'bad_request', topic: operations },
            { type: 'subscribed', topic: operations, outcome: 'live' },
        ]);
        await untilMarker(client, operations);
        expect(seqsOf(client.frames, TOPIC)).toEqual([seq + 1]);
    });
});

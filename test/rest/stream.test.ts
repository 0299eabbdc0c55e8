/** What is asked of `/stream` and `/topics/:topic/events`, and what is refused. The stream itself is a fake. */

import postgres from 'postgres';
import { afterEach, describe, expect, test } from 'vitest';
import { TidingsError } from '../../src/errors.ts';
import type { Observation } from '../../src/observe.ts';
import { createRest, streamResource, topicEventsResource } from '../../src/rest/index.ts';
import { call, type Sent } from '../example/example-api.ts';

const observed: Observation[] = [];
const opened: unknown[] = [];
const read: unknown[] = [];
afterEach(() => {
    for (const list of [observed, opened, read]) list.length = 0;
});

const rest = createRest({
    sql: postgres('postgres://127.0.0.1:1/none', { max: 0 }),
    verifier: {
        async verify(token) {
            if (!token.startsWith('good')) throw new TidingsError('unauthorized', 'expected a valid, unexpired token');
            return { userId: '42', expiresAtMs: Date.now() + 10_000 };
        },
    },
    observe: (observation) => observed.push(observation),
    settings: { corsOrigins: ['https://app.example'], cursorKey: 'a key for the cursors of tests' },
    checks: [],
    resources: [
        streamResource((request) => {
            opened.push(request);
            if (request.topics.includes('project:fails')) throw new Error('failed');
            return new Blob(['data: {}\n\n']).stream();
        }),
        topicEventsResource(async (request) => {
            read.push(request);
            if (request.topic === 'project:none') return null;
            const items = [Buffer.from('{"seq":5,"data":1.50}'), Buffer.from('{"seq":6}')];
            return { items, seq: 6, epoch: 'k1', outcome: 'resumed' };
        }),
    ],
});

const get = (path: string, sent: Sent = { as: 'good' }) => call(rest, 'GET', path, sent);

describe('GET /stream', () => {
    test('hands on what was asked for, each topic once', async () => {
        const { status, headers, body } = await get('/stream?topic=project:1&topic=user:42&topic=project:1');
        expect([status, body]).toEqual([200, 'data: {}\n\n']);
        expect(Object.fromEntries(headers)).toMatchObject({
            'content-type': 'text/event-stream',
            'cache-control': expect.stringContaining('no-store'),
            'x-accel-buffering': 'no',
        });
        expect(opened).toEqual([
            {
                userId: '42',
                expiresAtMs: expect.any(Number),
                topics: ['project:1', 'user:42'],
                since: null,
                lastEventId: null,
                address: '127.0.0.1',
            },
        ]);
    });

    test('takes a place for one topic, and the last id from header or query, the header first', async () => {
        await get('/stream?topic=project:1&since=7&epoch=k1');
        await get('/stream?topic=project:1&lastEventId=asked');
        await get('/stream?topic=project:1&lastEventId=asked', { as: 'good', headers: { 'last-event-id': 'sent' } });
        expect(opened).toMatchObject([
            { since: { seq: 7, epoch: 'k1' }, lastEventId: null },
            { since: null, lastEventId: 'asked' },
            { since: null, lastEventId: 'sent' },
        ]);
    });

    test('opens nothing for HEAD', async () => {
        const { status, headers } = await call(rest, 'HEAD', '/stream?topic=project:1', { as: 'good' });
        expect([status, headers.get('content-type'), opened]).toEqual([200, 'text/event-stream', []]);
    });

    test('is open to listed origins', async () => {
        const headers = { origin: 'https://app.example' };
        expect(
            (await get('/stream?topic=project:1', { as: 'good', headers })).headers.get('access-control-allow-origin'),
        ).toBe(headers.origin);
        const asked = {
            ...headers,
            'access-control-request-method': 'GET',
            'access-control-request-headers': 'last-event-id',
        };
        const preflight = await call(rest, 'OPTIONS', '/stream', { headers: asked });
        expect(preflight.headers.get('access-control-allow-headers')).toContain('Last-Event-ID');
    });

    test.each([
        ['no topic', '/stream', 'query.topic'],
        ['a topic that is none', '/stream?topic=project', 'query.topic'],
        ['one among several', '/stream?topic=project:1&topic=x', 'query.topic'],
        ['since alone', '/stream?topic=project:1&since=1', 'query.since'],
        ['epoch alone', '/stream?topic=project:1&epoch=k', 'query.since'],
        ['since for two', '/stream?topic=project:1&topic=project:2&since=1&epoch=k', 'query.since'],
        ['a since that is none', '/stream?topic=project:1&since=-1&epoch=k', 'query.since'],
        ['an unknown parameter', '/stream?topic=project:1&room=1', 'query'],
    ])('refuses %s', async (_, path, place) => {
        const { status, body } = await get(path);
        expect([status, body]).toMatchObject([400, { code: 'bad_request' }]);
        expect((body as { issues: { path: string }[] }).issues[0]?.path).toContain(place);
        expect(opened).toEqual([]);
    });

    test('refuses who takes no event stream', async () => {
        const sent = { as: 'good', headers: { accept: 'application/json' } };
        expect(await get('/stream?topic=project:1', sent)).toMatchObject({
            status: 406,
            body: { code: 'not_acceptable' },
        });
        expect(opened).toEqual([]);
    });

    test.each([
        ['no token', '/stream?topic=project:1', {}],
        ['a bad one', '/stream?topic=project:1', { as: 'bad' }],
        ['a bad one in the URL', '/stream?topic=project:1&token=bad', {}],
        ['a bad one in the header beside a good one in the URL', '/stream?topic=project:1&token=good', { as: 'bad' }],
    ])('refuses %s', async (_, path, sent) => {
        expect(await get(path, sent)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
        expect(opened).toEqual([]);
    });

    test('a token in the URL is told to nobody, whatever becomes of the request', async () => {
        const token = 'good-canary-1f0e';
        for (const query of ['topic=project:1', 'topic=x', 'topic=project:1&room=1', 'topic=project:fails', '']) {
            const { headers, body } = await get(`/stream?${query}&token=${token}`, {});
            expect(JSON.stringify([body, ...headers])).not.toContain('canary');
        }
        expect(await get('/nowhere?token=canary', {})).toMatchObject({ status: 404 });
        expect(await get('/topics/project:1/events?token=canary', {})).toMatchObject({ status: 401 });
        expect(JSON.stringify([observed, opened])).not.toContain('canary');
        expect(observed).toContainEqual(expect.objectContaining({ type: 'handler.failed', where: 'GET /stream' }));
    });
});

describe('GET /topics/:topic/events', () => {
    test('puts the frames in as they are', async () => {
        const request = new Request('http://tidings.test/topics/project:1/events', {
            headers: { authorization: 'Bearer good' },
        });
        const response = await rest.fetch(request, { address: '127.0.0.1' });
        expect(response.headers.get('content-type')).toBe('application/json');
        expect(await response.text()).toBe(
            '{"items":[{"seq":5,"data":1.50},{"seq":6}],"seq":6,"epoch":"k1","outcome":"resumed"}',
        );
    });

    test('asks for a hundred and waits as long as it may, but not beyond the token', async () => {
        await get('/topics/user%3A42/events');
        await get('/topics/project:1/events?since=7&epoch=k1&limit=1000&wait=3');
        expect(read).toEqual([
            { userId: '42', topic: 'user:42', since: null, limit: 100, waitMs: expect.any(Number) },
            { userId: '42', topic: 'project:1', since: { seq: 7, epoch: 'k1' }, limit: 1000, waitMs: 3000 },
        ]);
        const [{ waitMs }] = read as [{ waitMs: number }];
        expect(waitMs).toBeGreaterThan(5000);
        expect(waitMs).toBeLessThanOrEqual(10_000);
    });

    test('does not wait for HEAD', async () => {
        await call(rest, 'HEAD', '/topics/project:1/events', { as: 'good' });
        expect(read).toMatchObject([{ waitMs: 0 }]);
    });

    test('says of what is not to be read what it says of what is none', async () => {
        const [hidden, none] = [await get('/topics/project:none/events'), await get('/topics/none/events')];
        const { requestId: _, ...problem } = hidden.body as { requestId: string };
        expect([hidden.status, none.status, none.body]).toMatchObject([404, 404, problem]);
    });
});

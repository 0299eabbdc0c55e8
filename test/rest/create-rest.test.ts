/** What surrounds every route: context, errors, methods, origins, health. No database. */

import { createRoute } from '@hono/zod-openapi';
import postgres from 'postgres';
import { afterEach, expect, test } from 'vitest';
import { TidingsError } from '../../src/errors.ts';
import type { Observation } from '../../src/observe.ts';
import { createRest, guardedRoute, idParams, type Resource, type RestParts } from '../../src/rest/index.ts';
import { call } from '../example/example-api.ts';

const observed: Observation[] = [];
afterEach(() => {
    observed.length = 0;
});

const answer204 = { responses: { 204: { description: 'Nothing.' } } };

/** Routes that answer, or throw what they are told to. */
function things(thrown: unknown = null): Resource {
    return (app) => {
        const guarded = { path: '/things/{id}' as const, request: { params: idParams }, ...answer204 };
        app.openapi(guardedRoute({ method: 'get', ...guarded }), (c) => c.body(null, 204));
        app.openapi(guardedRoute({ method: 'delete', ...guarded }), (c) => c.body(null, 204));
        app.openapi(createRoute({ method: 'get', path: '/throw', ...answer204 }), () => {
            throw thrown;
        });
    };
}

function restOf(parts: Partial<RestParts> = {}) {
    return createRest({
        sql: postgres('postgres://127.0.0.1:1/none', { max: 0 }),
        verifier: {
            verify: async (token) => {
                if (token !== 'good') throw new TidingsError('unauthorized', 'expected a valid, unexpired token');
                return { userId: '42' };
            },
        },
        observe: (observation) => observed.push(observation),
        settings: { corsOrigins: ['https://app.example'], cursorKey: 'a key for the cursors of tests' },
        checks: [],
        resources: [things()],
        ...parts,
    });
}

const THING = '/things/00000000-0000-4000-8000-000000000001';

test('takes request id and trace where they are well-formed', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { headers } = await call(restOf(), 'GET', '/healthz', { headers: { 'x-request-id': 'abc-1', traceparent } });
    expect([headers.get('x-request-id'), headers.get('traceparent')]).toEqual(['abc-1', traceparent]);
});

test.each([
    {},
    { 'x-request-id': 'x'.repeat(129), traceparent: '00-0-0-01' },
    { 'x-request-id': 'a b', traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
    { 'x-request-id': 'é', traceparent: '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
])('makes them where they are not: %j', async (sent) => {
    const { headers } = await call(restOf(), 'GET', '/nowhere', { headers: sent });
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

test('tells one observation per request, by route and not by path', async () => {
    await call(restOf(), 'GET', THING, { as: 'good' });
    expect(observed).toEqual([
        {
            type: 'http.answered',
            method: 'GET',
            route: '/things/:id',
            status: 204,
            tookMs: expect.any(Number),
            requestId: expect.any(String),
        },
    ]);
});

test.each([
    undefined,
    { authorization: 'Bearer bad' },
    { authorization: 'Basic good' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer good, Bearer good' },
    { authorization: 'good' },
])('refuses every token that is not good alike: %j', async (headers) => {
    const { status, body, headers: answered } = await call(restOf(), 'GET', THING, { ...(headers && { headers }) });
    expect(status).toBe(401);
    expect(answered.get('www-authenticate')).toBe('Bearer');
    expect({ ...body, requestId: 'x' }).toEqual({
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        detail: 'expected a valid, unexpired token',
        code: 'unauthorized',
        requestId: 'x',
    });
    expect(observed[0]).toMatchObject({ type: 'auth.failed', where: 'rest', address: '127.0.0.1' });
    expect(JSON.stringify(observed)).not.toContain('good');
});

test('takes no token from the URL', async () => {
    expect((await call(restOf(), 'GET', `${THING}?token=good`)).status).toBe(401);
});

test.each([
    ['/nowhere', 404, null],
    ['/things/', 404, null],
    ['/healthz/', 404, null],
    [THING, 405, 'DELETE, GET, HEAD, OPTIONS'],
    ['/openapi.json', 405, 'GET, HEAD, OPTIONS'],
])('PUT %s is %i', async (path, status, allow) => {
    const answer = await call(restOf(), 'PUT', path, { as: 'good' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([status, allow]);
    expect(answer.body.code).toBe(status === 404 ? 'not_found' : 'method_not_allowed');
});

test('a method in a header or a query is not heard', async () => {
    const headers = { 'x-http-method-override': 'DELETE', 'x-http-method': 'DELETE', 'x-method-override': 'DELETE' };
    expect((await call(restOf(), 'POST', `${THING}?_method=DELETE`, { as: 'good', headers })).status).toBe(405);
});

test('HEAD is GET without the body, OPTIONS names the methods', async () => {
    expect(await call(restOf(), 'HEAD', '/healthz')).toMatchObject({ status: 200, body: '' });
    const options = await call(restOf(), 'OPTIONS', THING);
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS']);
    expect((await call(restOf(), 'OPTIONS', '/nowhere')).status).toBe(404);
});

test('lets listed origins read answers, errors too', async () => {
    const origin = 'https://app.example';
    for (const path of ['/healthz', '/nowhere', THING]) {
        const { headers } = await call(restOf(), 'GET', path, { headers: { origin } });
        expect(headers.get('access-control-allow-origin')).toBe(origin);
        expect(headers.get('access-control-expose-headers')).toBe(
            'Tidings-Position, X-Request-Id, Location, ETag, Retry-After, ' +
                'RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset',
        );
        expect(headers.get('access-control-allow-credentials')).toBeNull();
        expect(headers.get('vary')).toContain('Origin');
    }
});

test('answers a preflight', async () => {
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'DELETE' };
    const { status, headers } = await call(restOf(), 'OPTIONS', THING, { headers: preflight });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(headers.get('access-control-allow-headers')).toContain('Authorization');
});

test.each([
    'https://evil.example',
    'https://app.example.evil',
    'http://app.example',
    'https://app.example:444',
    'null',
])('origin %s may not read', async (origin) => {
    const headers = { origin, 'access-control-request-method': 'GET' };
    const answer = await call(restOf(), 'OPTIONS', THING, { headers });
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
});

test.each<[unknown, number, string]>([
    [new TidingsError('conflict', 'expected one, got two'), 409, 'conflict'],
    [new TidingsError('rate_limited', 'expected fewer', { retryAfterMs: 1200 }), 429, 'rate_limited'],
    [Object.assign(new Error('gone'), { code: 'CONNECTION_CLOSED' }), 503, 'unavailable'],
    [new TypeError('a secret of ours'), 500, 'internal'],
    ['a thrown text', 500, 'internal'],
])('what a handler throws (%s) is %i', async (thrown, status, code) => {
    const { body, ...answer } = await call(restOf({ resources: [things(thrown)] }), 'GET', '/throw');
    expect([answer.status, body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('retry-after')).toBe({ 429: '2', 503: '1' }[status] ?? null);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(observed.some(({ type }) => type === 'handler.failed')).toBe(status >= 500);
});

test('a body that could not be read whole is told as why', async () => {
    const tooLarge = new TidingsError('too_large', 'expected at most 1048576 bytes');
    const body = new ReadableStream({ pull: (controller) => controller.error(tooLarge) });
    const request = new Request('http://tidings.test/throw', { method: 'POST', body, duplex: 'half' } as RequestInit);
    const response = await restOf().fetch(request, { address: '127.0.0.1' });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'too_large']);
});

test('is ready when every check passes, and names those that fail', async () => {
    const pass = { name: 'database', check: async () => {} };
    const fail = { name: 'sequencer', check: () => Promise.reject(new Error('at 10.0.0.7')) };
    expect(await call(restOf(), 'GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await call(restOf({ checks: [pass] }), 'GET', '/readyz')).toMatchObject({ body: { status: 'ready' } });
    const { status, body } = await call(restOf({ checks: [pass, fail] }), 'GET', '/readyz');
    expect([status, body.detail]).toEqual([503, 'expected every check to pass, got a failure of sequencer']);
    expect(body.issues).toEqual([{ path: 'sequencer', message: 'failed' }]);
});

test('gives tokens to anyone where a signer is set, and else does not know the route', async () => {
    const body = { userId: '42' };
    expect((await call(restOf(), 'POST', '/dev/login', { body })).status).toBe(404);
    const settings = {
        corsOrigins: [],
        cursorKey: 'x'.repeat(16),
        signer: async (userId: string) => `token of ${userId}`,
    };
    const rest = restOf({ settings });
    const path = 'http://localhost:8080/dev/login';
    expect(await call(rest, 'POST', path, { body })).toMatchObject({ status: 200, body: { token: 'token of 42' } });
    expect((await call(rest, 'POST', path, { body: { userId: 'a b' } })).status).toBe(400);
    expect((await call(rest, 'POST', 'http://evil.example/dev/login', { body })).status).toBe(403);
});

test('looks once for all who ask whether it is ready at the same time', async () => {
    let looks = 0;
    let finish = (): void => undefined;
    const check = () => {
        looks += 1;
        return new Promise<void>((resolve) => {
            finish = resolve;
        });
    };
    const rest = restOf({ checks: [{ name: 'database', check }] });
    const asked = Array.from({ length: 50 }, () => call(rest, 'GET', '/readyz'));
    await new Promise((resolve) => setImmediate(resolve));
    finish();
    expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(looks).toBe(1);
    const later = call(rest, 'GET', '/readyz');
    await new Promise((resolve) => setImmediate(resolve));
    finish();
    expect([(await later).status, looks]).toEqual([200, 2]);
});

test.each([
    ['GET', '/healthz', 200],
    ['GET', '/nowhere', 404],
    ['GET', THING, 401],
    ['PUT', THING, 405],
    ['GET', '/throw', 500],
])('%s %s, %i, is not to be guessed at, framed, embedded or told of', async (method, path, status) => {
    const answer = await call(restOf({ resources: [things(new Error('x'))] }), method, path);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
    });
});

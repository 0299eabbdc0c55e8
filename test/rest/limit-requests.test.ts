/** Whose requests are counted, what they are told, and what is never refused. */

import { z } from '@hono/zod-openapi';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../src/auth/index.ts';
import type { Observation } from '../../src/observe.ts';
import { adminResource, createRest, guardedRoute, json, RequestLimit, type RestService } from '../../src/rest/index.ts';

const RATE = { count: 3, perMs: 60_000 };

function serve(rate: typeof RATE | null = RATE) {
    const observed: Observation[] = [];
    const counts = new Map<string, number>();
    const limit =
        rate === null
            ? null
            : new RequestLimit({
                  rate,
                  nowMs: () => 0,
                  async count(key, requests) {
                      const counted = (counts.get(key) ?? 0) + requests;
                      counts.set(key, counted);
                      return { counted, resetMs: 59_001 };
                  },
              });
    const rest = createRest({
        sql: postgres('postgres://127.0.0.1:1/none', { max: 0 }),
        verifier: {
            async verify(token) {
                if (token === 'bad') throw refusal('test');
                return { userId: token };
            },
        },
        observe: (observation) => observed.push(observation),
        settings: { corsOrigins: [], cursorKey: 'a key for the cursors of tests', limit },
        checks: [],
        resources: [
            adminResource('a token of administration'),
            (app) => {
                const route = guardedRoute({
                    method: 'get',
                    path: '/me',
                    responses: { 200: json(z.object({ userId: z.string() }), 'Who you are.') },
                });
                app.openapi(route, (c) => c.json({ userId: c.var.userId }, 200));
            },
        ],
    });
    return { rest, observed };
}

type Asked = { readonly token?: string; readonly address?: string; readonly method?: string; readonly query?: string };

async function ask(rest: RestService, path: string, { token, address = '192.0.2.1', method = 'GET' }: Asked = {}) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await rest.fetch(new Request(`http://tidings.test${path}`, { method, headers }), { address });
    return { status: response.status, headers: response.headers, body: (await response.json()) as { code?: string } };
}

async function statuses(times: number, once: () => Promise<{ status: number }>): Promise<readonly number[]> {
    const all: number[] = [];
    for (let n = 0; n < times; n += 1) all.push((await once()).status);
    return all;
}

describe('a user', () => {
    test('is told what is left, and refused with when to come again, wherever they come from', async () => {
        const { rest, observed } = serve();
        const first = await ask(rest, '/me', { token: 'ada' });
        expect(first.status).toBe(200);
        expect(Object.fromEntries([...first.headers].filter(([name]) => name.startsWith('ratelimit')))).toEqual({
            ratelimit: '"default";r=2;t=60',
            'ratelimit-policy': '"default";q=3;w=60',
            'ratelimit-limit': '3',
            'ratelimit-remaining': '2',
            'ratelimit-reset': '60',
        });
        await ask(rest, '/me', { token: 'ada', address: '192.0.2.2' });
        await ask(rest, '/me', { token: 'ada', address: '192.0.2.3' });
        const fourth = await ask(rest, '/me', { token: 'ada', address: '192.0.2.4' });
        expect([fourth.status, fourth.body]).toEqual([
            429,
            expect.objectContaining({
                code: 'rate_limited',
                detail: 'expected at most 3 requests in 60000 ms, got more',
            }),
        ]);
        expect(fourth.headers.get('retry-after')).toBe('60');
        expect(fourth.headers.get('ratelimit-remaining')).toBe('0');
        expect(observed).toContainEqual({ type: 'request.limited', key: 'user:ada' });
        expect((await ask(rest, '/me', { token: 'bob' })).status).toBe(200);
    });

    test('is not refused for what strangers do at the same address', async () => {
        const { rest } = serve();
        expect(await statuses(6, () => ask(rest, '/me', { token: 'bad' }))).toEqual([401, 401, 401, 429, 429, 429]);
        expect(await statuses(4, () => ask(rest, '/me'))).toEqual([429, 429, 429, 429]);
        expect((await ask(rest, '/me', { token: 'ada' })).status).toBe(200);
    });
});

describe('an address', () => {
    test.each([
        ['without a token', '/me', 401],
        ['on what is open to all', '/openapi.json', 200],
        ['on what is not there', '/nowhere', 404],
    ])('is counted %s', async (_, path, status) => {
        const { rest } = serve();
        expect(await statuses(5, () => ask(rest, path))).toEqual([status, status, status, 429, 429]);
        expect((await ask(rest, path, { address: '192.0.2.2' })).status).toBe(status);
    });

    test('can’t pass for a user by a token where nobody looks at it', async () => {
        const { rest } = serve();
        expect(await statuses(5, () => ask(rest, '/openapi.json', { token: 'ada' }))).toEqual([
            200, 200, 200, 429, 429,
        ]);
    });

    test.each([
        ['a header without a token', '/me', 'Basic x', 401],
        ['a token in a URL nobody reads one from', '/me?token=ada', null, 401],
        ['a token on what is not there', '/nowhere', 'Bearer ada', 404],
        ['a token in the URL of what is not there', '/nowhere?token=ada', null, 404],
    ])('is counted with %s', async (_, path, authorization, status) => {
        const { rest } = serve();
        const headers = authorization === null ? {} : { authorization };
        const once = () => rest.fetch(new Request(`http://tidings.test${path}`, { headers }), { address: '192.0.2.1' });
        expect(await statuses(5, once)).toEqual([status, status, status, 429, 429]);
    });

    test('guesses tokens of administration no faster', async () => {
        const { rest } = serve();
        const guess = () => ask(rest, '/admin/bounces', { method: 'POST', token: 'a-guess' });
        expect(await statuses(5, guess)).toEqual([401, 401, 401, 429, 429]);
    });

    test.each([
        ['/healthz', 'GET', 200],
        ['/readyz', 'GET', 200],
    ])('asks %s by %s as often as it likes', async (path, method, status) => {
        const { rest } = serve();
        expect(new Set(await statuses(20, () => ask(rest, path, { method })))).toEqual(new Set([status]));
    });
});

test('without a rate nobody is counted, and nobody is told', async () => {
    const { rest } = serve(null);
    expect(new Set(await statuses(50, () => ask(rest, '/me', { token: 'ada' })))).toEqual(new Set([200]));
    expect((await ask(rest, '/me', { token: 'ada' })).headers.has('ratelimit')).toBe(false);
});

/** Whatever body comes with whatever heading: never a failure of ours, and every refusal says why. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';

type Field = {
    readonly type?: string | readonly string[];
    readonly format?: string;
    readonly enum?: readonly unknown[];
    readonly example?: unknown;
};
type Schema = { readonly $ref?: string; readonly properties?: Readonly<Record<string, Field>> };
type Operation = { readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> } };
type Route = { readonly method: string; readonly path: string; readonly properties: Readonly<Record<string, Field>> };

const RUNS = 25;
const TYPES = [
    'text/plain',
    'application/xml',
    'multipart/form-data',
    'application/x-www-form-urlencoded',
    'x',
    'a/b;',
];
const ENCODINGS = ['gzip', 'br', 'deflate', 'x'];

let database: TestDatabase;
let server: TestServer;
let token: string;
let routes: Route[];
beforeAll(async () => {
    database = await openDatabase({ example: true });
    server = await startTestServer(database.url, {
        env: { DEV_LOGIN: 'true', ADMIN_TOKEN: 'a-token-of-administration' },
    });
    token = await tokenFor(USERS.bob);
    const { body } = await server.call(null, 'GET', '/openapi.json');
    const { paths, components } = body as unknown as {
        paths: Record<string, Record<string, Operation>>;
        components: { schemas: Record<string, Schema> };
    };
    routes = Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).flatMap(([method, { requestBody }]) => {
            const schema = requestBody?.content['application/json']?.schema;
            if (schema === undefined) return [];
            const named = components.schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? schema;
            return [{ method: method.toUpperCase(), path, properties: named.properties ?? {} }];
        }),
    );
});
afterAll(async () => {
    await server.stop();
    await database.close();
});

const ODD = [
    '\0',
    'a\0b',
    '\ud800',
    'x'.repeat(70_000),
    '',
    ' ',
    '2026-02-30T00:00:00Z',
    -0,
    -1,
    1.5,
    2 ** 53,
    1e308,
    null,
    [],
    {},
];
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }), fc.constantFrom(...ODD));

/** A value that is right, as far as the schema tells. */
function right({ type, format, enum: choices, example }: Field): unknown {
    if (example !== undefined || choices !== undefined) return example ?? choices?.[0];
    if (format === 'uuid') return USERS.eve;
    if (format === 'date-time') return '2030-01-01T00:00:00.000Z';
    const types = [type].flat();
    if (types.includes('string')) return 'text';
    if (types.includes('boolean')) return true;
    return types.includes('object') ? {} : 1;
}

/** A body that has some of the fields asked for, now and then wrong, and now and then another. */
function nearlyRight({ properties }: Route): fc.Arbitrary<string> {
    const fields = Object.entries(properties).map(([name, field]): [string, fc.Arbitrary<unknown>] => [
        name,
        fc.oneof({ weight: 3, arbitrary: fc.constant(right(field)) }, { weight: 1, arbitrary: value }),
    ]);
    const stranger = fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'id', 'version', ''), value, {
        maxKeys: 1,
    });
    return fc
        .tuple(fc.record(Object.fromEntries(fields), { requiredKeys: [] }), stranger)
        .map((parts) => JSON.stringify(Object.assign({}, ...parts)));
}

/** What is wrong with the answer to a body; null if nothing is. */
async function wrongWith(route: Route, body: string | Uint8Array, headers: object = {}) {
    const target = route.path
        .replace('{topic}', `project:${WEBSITE}`)
        .replace('{userId}', USERS.eve)
        .replace('/tasks/{id}', `/tasks/${seededTask(1, 1)}`)
        .replace(/\{\w+\}/g, WEBSITE);
    const response = await fetch(new URL(target, server.url), {
        method: route.method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        body: body as string,
    });
    const answer = await response.text();
    if (response.status >= 500) return `${response.status} ${answer}`;
    if (response.status < 400) return null;
    const isProblem = response.headers.get('content-type') === 'application/problem+json';
    const isWhole = isProblem && /^expected [^\n]+$/.test((JSON.parse(answer) as { detail: string }).detail);
    return isWhole ? null : `${response.status} ${response.headers.get('content-type')} ${answer}`;
}

test('every field of every body bears any value beside fields that are right', async () => {
    expect(routes.filter(({ properties }) => Object.keys(properties).length > 0).length).toBeGreaterThan(10);
    for (const route of routes) {
        const whole = Object.fromEntries(Object.entries(route.properties).map(([name, field]) => [name, right(field)]));
        for (const name of Object.keys(whole))
            for (const odd of ODD) expect(await wrongWith(route, JSON.stringify({ ...whole, [name]: odd }))).toBeNull();
    }
}, 60_000);

test('every route that takes a body bears any', async () => {
    expect(routes.length).toBeGreaterThan(10);
    for (const route of routes) {
        const body = fc.oneof(nearlyRight(route), fc.json(), fc.string(), fc.uint8Array({ maxLength: 200 }));
        const heading = fc.oneof(
            { weight: 6, arbitrary: fc.constant({}) },
            { weight: 1, arbitrary: fc.constantFrom(...TYPES).map((type) => ({ 'content-type': type })) },
            {
                weight: 1,
                arbitrary: fc.constantFrom(...ENCODINGS).map((encoding) => ({ 'content-encoding': encoding })),
            },
            { weight: 1, arbitrary: fc.constantFrom('a', 'x'.repeat(300)).map((key) => ({ 'idempotency-key': key })) },
        );
        await fc.assert(
            fc.asyncProperty(body, heading, async (sent, headers) => {
                expect(await wrongWith(route, sent, headers)).toBeNull();
            }),
            { numRuns: RUNS },
        );
    }
    await expect(server.observed({ type: 'handler.failed' }, 0)).rejects.toThrow('got nothing');
}, 60_000);

/** The document against OpenAPI 3.1's rules that matter to those who generate clients, and against the routes. */

import postgres from 'postgres';
import { beforeAll, expect, test } from 'vitest';
import { exampleResources } from '../../src/example/index.ts';
import {
    adminResource,
    createRest,
    streamResource,
    topicEventsResource,
    unsubscribeResource,
} from '../../src/rest/index.ts';
import { call } from '../example/example-api.ts';

type Operation = {
    readonly security?: readonly Record<string, readonly string[]>[];
    readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: unknown }[];
    readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, { schema: unknown }> };
    readonly responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
};

// biome-ignore lint/suspicious/noExplicitAny: the document is looked into in many places.
let document: any;
beforeAll(async () => {
    const rest = createRest({
        sql: postgres('postgres://127.0.0.1:1/none', { max: 0 }),
        verifier: { verify: async () => ({ userId: '42' }) },
        observe: () => {},
        settings: { corsOrigins: [], cursorKey: 'a key for the cursors of tests', signer: async () => 'token' },
        checks: [],
        resources: [
            streamResource(() => new ReadableStream()),
            topicEventsResource(async () => null),
            unsubscribeResource({ verify: () => null, settingsUrl: null }),
            adminResource('a-token-of-administration'),
            ...exampleResources,
        ],
    });
    document = (await call(rest, 'GET', '/openapi.json')).body;
});

function operations(): readonly (readonly [string, Operation])[] {
    return Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    );
}

test('is OpenAPI 3.1 and names the API', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Tidings', version: '1' });
    expect(document.components.securitySchemes.bearer).toEqual({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
});

test('has every route of the example and of the engine', () => {
    expect(
        operations()
            .map(([name]) => name)
            .sort(),
    ).toEqual(
        [
            'DELETE /notifications/{id}/archive',
            'DELETE /notifications/{id}/snooze',
            'DELETE /projects/{id}',
            'DELETE /projects/{id}/members/{userId}',
            'DELETE /tasks/{id}',
            'DELETE /topics/{topic}/mute',
            'DELETE /topics/{topic}/watch',
            'GET /activity',
            'GET /healthz',
            'GET /notifications',
            'GET /notifications/counts',
            'GET /preferences',
            'GET /projects',
            'GET /projects/{id}',
            'GET /projects/{id}/activity',
            'GET /projects/{id}/members',
            'GET /projects/{id}/tasks',
            'GET /readyz',
            'GET /stream',
            'GET /tasks/{id}',
            'GET /tasks/{id}/comments',
            'GET /topics/{topic}/events',
            'GET /unsubscribe',
            'PATCH /notifications/{id}/read',
            'PATCH /projects/{id}',
            'PATCH /tasks/{id}',
            'POST /admin/bounces',
            'POST /dev/login',
            'POST /notifications/read-all',
            'POST /notifications/seen',
            'POST /notifications/{id}/archive',
            'POST /notifications/{id}/snooze',
            'POST /projects',
            'POST /projects/{id}/tasks',
            'POST /tasks/{id}/comments',
            'POST /tasks/{id}/timer/start',
            'POST /tasks/{id}/timer/stop',
            'POST /unsubscribe',
            'PUT /preferences',
            'PUT /projects/{id}/members/{userId}',
            'PUT /topics/{topic}/mute',
            'PUT /topics/{topic}/watch',
        ].sort(),
    );
});

test('declares each parameter of a path, and answers with descriptions', () => {
    for (const [name, { parameters = [], responses }] of operations()) {
        const wanted = [...name.matchAll(/\{(.+?)\}/g)].map(([, parameter]) => parameter);
        const declared = parameters.filter((p) => p.in === 'path' && p.required === true && p.schema !== undefined);
        expect([name, declared.map((p) => p.name)]).toEqual([name, wanted]);
        for (const [status, { description }] of Object.entries(responses)) {
            expect([name, status, description]).toEqual([
                name,
                expect.stringMatching(/^[2-5]\d\d$/),
                expect.any(String),
            ]);
        }
    }
});

test('every reference leads somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
    expect(references.length).toBeGreaterThan(20);
    for (const [, name = ''] of references) expect(document.components.schemas).toHaveProperty(name);
});

test('writing routes that take a body require it, but for marking, and refuse unknown fields', () => {
    const optional = ['PATCH /notifications/{id}/read', 'POST /notifications/read-all', 'POST /notifications/seen'];
    for (const [name, { requestBody }] of operations()) {
        if (requestBody === undefined) continue;
        const { schema } = requestBody.content['application/json'] ?? { schema: undefined };
        expect([name, requestBody.required, schema]).toEqual([
            name,
            !optional.includes(name),
            expect.objectContaining({ type: 'object', additionalProperties: false }),
        ]);
    }
});

test('the position header is documented where it is sent', () => {
    for (const path of ['/projects/{id}', '/projects/{id}/tasks', '/notifications', '/notifications/counts']) {
        expect(document.paths[path].get.responses[200].headers).toHaveProperty('Tidings-Position');
    }
});

test('the stream is described as one, with both places of its token and a topic that repeats', () => {
    const { responses, security, parameters } = document.paths['/stream'].get as Operation;
    expect(Object.keys(responses[200]?.content ?? {})).toEqual(['text/event-stream']);
    expect(security).toEqual([{ bearer: [] }, { urlToken: [] }]);
    expect(document.components.securitySchemes.urlToken).toEqual({ type: 'apiKey', in: 'query', name: 'token' });
    expect(parameters?.map(({ name, required }) => [name, required ?? false])).toEqual([
        ['topic', true],
        ['since', false],
        ['epoch', false],
        ['token', false],
        ['lastEventId', false],
    ]);
});

/** Hostile text in every place of every documented request, in headers, cursors and frames: stored as it is or refused, and one line of log each. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { type Server, startServer } from '../../src/main.ts';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { exchange } from '../http/client.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { clientOf, type ServerClient, testEnvironment, tokenFor } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { type DocumentedRoute, documentedRoutes, type Place } from './documented-routes.ts';
import { CONTROL, HOSTILE, LONE } from './hostile-text.ts';

let database: TestDatabase;
let sql: Sql;
let server: Server;
let client: ServerClient;
let token: string;
const lines: string[] = [];

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    const destination = { write: (line: string) => void lines.push(line) };
    const config = loadConfig({ ...testEnvironment(database.url), WS_MAX_MESSAGE_BYTES: '200000' });
    server = await startServer(config, createLogger({ level: 'trace', destination }));
    client = clientOf(server.url);
    token = await tokenFor(USERS.ada);
});

afterAll(async () => {
    await closeSockets();
    await server.stop();
    await database.close();
});

/** The lines written by a piece of work, each whole and nothing else. */
async function linesOf(work: () => Promise<unknown>): Promise<readonly Record<string, unknown>[]> {
    const before = lines.length;
    await work();
    return lines.slice(before).map((line) => {
        expect(line.endsWith('\n')).toBe(true);
        expect(CONTROL.test(line.slice(0, -1))).toBe(false);
        return JSON.parse(line);
    });
}

/** Ids that are there, by the route they are in. */
async function idFor(route: DocumentedRoute, name: string): Promise<string> {
    if (name === 'topic') return `project:${WEBSITE}`;
    if (name === 'userId') return USERS.dee;
    if (route.path.startsWith('/tasks/')) return seededTask(1, 3);
    if (route.path.startsWith('/projects/')) return WEBSITE;
    await sql`select tidings.send_notification(${[USERS.ada]}, 'task.due', '{"title":"x"}')`;
    const [row] = await sql<{ id: string }[]>`
        select id from tidings.notification where user_id = ${USERS.ada} order by created_at desc limit 1`;
    return row?.id ?? '';
}

function withText(body: unknown, [first = '', ...rest]: readonly string[], text: string): unknown {
    const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
    // JSON.parse keeps a field called __proto__, which a literal does not.
    if (first === '*') return JSON.parse(`{${JSON.stringify(text)}:{}}`);
    return { ...fields, [first]: rest.length === 0 ? text : withText(fields[first], rest, text) };
}

type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown };
/** Every request of `send`; its number is its id. */
const sentLines: string[] = [];

type Sent = { readonly route: DocumentedRoute; readonly place: Place; readonly text: string };

/** The answer to a request with the text in that place. Nothing waits. */
async function send({ route, place, text }: Sent): Promise<Answer> {
    const name = place.path[0] ?? '';
    let path = route.path;
    for (const [, parameter = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
        const value = place.in === 'path' && parameter === name ? text : await idFor(route, parameter);
        path = path.replace(`{${parameter}}`, encodeURIComponent(value.replace(LONE, '\ufffd')));
    }
    const query = new URLSearchParams();
    if (/\/events$/.test(route.path)) query.set('wait', '0');
    if (place.in === 'query') query.set(name, text);
    const body = place.in === 'body' ? withText(route.body, place.path, text) : route.body;
    const headers = place.in === 'header' ? { [name]: headerText(text) } : {};
    sentLines.push(`${route.method} ${path} ${place.in} ${name}`);
    const response = await fetch(new URL(`${path}?${query}`, server.url), {
        method: route.method,
        signal: AbortSignal.timeout(10_000),
        headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
            'x-request-id': `sent-${sentLines.length - 1}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
        await response.body?.cancel();
        return { status: response.status, headers: response.headers, body: null };
    }
    const answer = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answer) : answer };
}

/** What fetch lets through in a header; the rest is sent by hand below. */
function headerText(text: string): string {
    return text.replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?').slice(0, 2000);
}

function fieldOf(body: unknown, path: readonly string[]): unknown {
    return path.reduce<unknown>((value, name) => (Object(value) as Record<string, unknown>)[name], body);
}

/** What an answer shows that must not be; null: nothing. */
function wrongIn(answer: Answer, place: Place, kind: string, text: string): string | null {
    if (answer.status >= 500) return 'failed';
    if (answer.headers.get('set-cookie') !== null) return 'set a cookie';
    const shown = shownIn(answer, place);
    if (shown === null) return null;
    if (kind === 'nul' || kind === 'surrogate') return 'taken';
    return shown === text ? null : `kept as ${JSON.stringify(shown).slice(0, 60)}`;
}

/** The text sent in a body, as an answer shows it. */
function shownIn({ status, body }: Answer, place: Place): string | null {
    const shown = status < 300 && place.in === 'body' ? fieldOf(body, place.path) : null;
    return typeof shown === 'string' ? shown : null;
}

/** Hostile text goes in whole, is refused, or fits and is answered; never does the server fail. */
async function attack(
    route: DocumentedRoute,
    place: Place,
): Promise<{ sent: number; stored: number; refused: number; wrong: string[] }> {
    const figures = { sent: 0, stored: 0, refused: 0, wrong: [] as string[] };
    for (const [kind, text] of Object.entries(HOSTILE)) {
        // No server takes a head of 30 kB; that is for the raw requests below.
        if (place.in !== 'body' && kind === 'long') continue;
        const answer = await send({ route, place, text });
        figures.sent += 1;
        if (answer.status >= 400) figures.refused += 1;
        if (shownIn(answer, place) !== null) figures.stored += 1;
        const wrong = wrongIn(answer, place, kind, text);
        if (wrong !== null)
            figures.wrong.push(`${kind} in ${place.in} ${place.path.join('.')}: ${answer.status} ${wrong}`);
    }
    return figures;
}

test('every place of every route that takes text keeps it as it is or refuses it, and logs a line for it', async () => {
    const { body: document } = await client.call(null, 'GET', '/openapi.json');
    // Deleting last, so that there is something to attack; a stopped timer is no text.
    const routes = [...documentedRoutes(document)].sort(
        (a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'),
    );
    const total = { routes: routes.length, places: 0, sent: 0, stored: 0, refused: 0 };
    const wrong: string[] = [];
    const logged = await linesOf(async () => {
        for (const route of routes) {
            total.places += route.places.length;
            for (const place of route.places) {
                const figures = await attack(route, place);
                wrong.push(...figures.wrong.map((what) => `${route.method} ${route.path}: ${what}`));
                total.sent += figures.sent;
                total.stored += figures.stored;
                total.refused += figures.refused;
            }
        }
    });
    console.info('hostile text', total, { lines: logged.length });
    expect(wrong).toEqual([]);
    expect(total.places).toBeGreaterThan(40);
    expect(total.stored).toBeGreaterThan(50);
    expect(logged.filter(({ type }) => type === 'handler.failed')).toEqual([]);
    const answered = logged.filter(({ type }) => type === 'http.answered').map(({ requestId }) => String(requestId));
    // A header that no Request can hold is refused before there is one, without a line.
    const unsaid = sentLines.filter((line, n) => !answered.includes(`sent-${n}`) && !line.includes(' header '));
    expect(unsaid).toEqual([]);
    expect(answered.length).toBe(new Set(answered).size);
    // What was to drop a table or make a role has not.
    const [state] =
        await sql`select to_regclass('app.tasks') is not null as tasks, count(*)::int as roles from pg_roles where rolname = 'mallory'`;
    expect(state).toEqual({ tasks: true, roles: 0 });
}, 120_000);

test('what is stored comes back as it is: by REST, in the frame of its event, on every page', async () => {
    const bob = await client.join(USERS.bob, `project:${WEBSITE}`);
    for (const [kind, text] of Object.entries(HOSTILE)) {
        if (['long', 'nul', 'surrogate'].includes(kind)) continue;
        const made = await client.call(USERS.bob, 'POST', `/projects/${WEBSITE}/tasks`, {
            body: { title: text, description: text },
        });
        expect([kind, made.status, made.body['title']]).toEqual([kind, 201, text]);
        const frame = await bob.next(
            (seen) => seen['event'] === 'task.created' && Object(seen['data'])['id'] === made.body['id'],
        );
        expect(Object(frame['data'])['title']).toBe(text);
        const again = await client.call(USERS.eve, 'GET', `/tasks/${made.body['id']}`);
        expect([again.body['title'], again.body['description']]).toEqual([text, text]);
        const said = await client.call(USERS.bob, 'POST', `/tasks/${made.body['id']}/comments`, {
            body: { body: text },
        });
        expect(said.body['body']).toBe(text);
        const commented = await bob.next({ event: 'task.commented' });
        expect(Object(commented['data'])['excerpt']).toBe([...text].slice(0, 140).join(''));
    }
});

describe('a header by hand', () => {
    const port = () => Number(new URL(server.url).port);
    /** Where the server is silent: to its parser the head has not ended; test/http has what cuts it. */
    const SILENT: readonly string[] = ['esc', 'nul', 'bareCr', 'bareLf', 'folded'];
    const VALUES: Readonly<Record<string, string>> = {
        esc: '\u001b[31mred',
        nul: 'a\u0000b',
        del: '\u007f',
        high: '\u00ff\u00fe\u0080\u009b31m',
        bareCr: 'a\rSet-Cookie: stolen=1',
        bareLf: 'a\nSet-Cookie: stolen=1',
        folded: 'a\r\n Set-Cookie: stolen=1',
        split: 'a\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: stolen=1\r\n\r\n',
        encoded: 'a%0d%0aSet-Cookie:%20stolen=1',
        quotes: `"'\\"<>`,
        empty: '',
        blank: ' \t ',
        list: 'a, b, "c"',
        long: 'x'.repeat(3000),
        huge: 'x'.repeat(1_000_000),
    };

    /** The beginning of what is answered to a request with such a header. */
    function answerTo(name: string, value: string, withinMs: number): Promise<string> {
        const line =
            name === 'Last-Event-ID'
                ? `GET /stream?topic=user:${USERS.ada}`
                : `POST /tasks/${seededTask(1, 1)}/timer/stop`;
        const text = `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n${name}: ${value}\r\nContent-Length: 0\r\n\r\n`;
        const answer = exchange(port(), Buffer.from(text, 'latin1'), /\r\n\r\n/).catch(String);
        return Promise.race([answer, delay(withinMs, '')]);
    }

    /** 505 is what the parser of HTTP says to a line that is none. */
    function headOf(answer: string) {
        const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
        const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
        return {
            came: status > 0,
            failed: status >= 500 && status !== 505,
            cookie: /^set-cookie:/im.test(head),
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
            control: /[\u0000\u001b\u007f]/.test(head),
        };
    }

    test.each([
        'Idempotency-Key',
        'X-Request-Id',
        'traceparent',
        'If-Match',
        'Last-Event-ID',
        'Accept-Language',
        'User-Agent',
        'Content-Type',
        'Accept',
    ])(
        '%s of every shape ends in one answer below 500, without a header of the sender’s, and one line each',
        async (name) => {
            for (const [kind, value] of Object.entries(VALUES)) {
                if (SILENT.includes(kind) && name !== 'X-Request-Id') continue;
                let answer = '';
                await linesOf(async () => {
                    answer = await answerTo(name, value, SILENT.includes(kind) ? 300 : 8000);
                });
                expect([kind, headOf(answer)]).toEqual([
                    kind,
                    { came: !SILENT.includes(kind), failed: false, cookie: false, control: false },
                ]);
            }
        },
        60_000,
    );

    test('an id and a trace that are well formed go through; others are made anew, and neither is taken into the log', async () => {
        for (const bad of ['\u00e9', 'a b', 'x'.repeat(129), 'a\tb']) {
            const { headers } = await client.call(USERS.ada, 'GET', '/projects', {
                headers: { 'x-request-id': bad, traceparent: bad },
            });
            expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
            expect(headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
        }
        const { headers } = await client.call(USERS.ada, 'GET', '/projects', {
            headers: { 'x-request-id': `"><script>'` },
        });
        expect(headers.get('x-request-id')).toBe(`"><script>'`);
    });
});

describe('a page cursor', () => {
    const LISTS = [
        '/projects',
        `/projects/${WEBSITE}/tasks`,
        `/projects/${WEBSITE}/members`,
        `/projects/${WEBSITE}/activity`,
        '/activity',
        '/notifications',
        `/tasks/${seededTask(1, 1)}/comments`,
    ];

    test('of another list, another reader or none at all opens nothing', async () => {
        await sql`select tidings.send_notification(${[USERS.ada, USERS.ada, USERS.bob]}, 'task.due', '{"title":"a"}'), tidings.send_notification(${[USERS.ada, USERS.bob]}, 'task.due', '{"title":"b"}')`;
        for (let n = 0; n < 2; n += 1)
            await client.call(USERS.ada, 'POST', `/tasks/${seededTask(1, 1)}/comments`, { body: { body: 'x' } });
        const cursors = new Map<string, string>();
        for (const list of LISTS) {
            const { body } = await client.call(USERS.ada, 'GET', `${list}?limit=1`);
            if (typeof body['nextCursor'] === 'string') cursors.set(list, body['nextCursor']);
        }
        expect([...cursors.keys()]).toEqual(LISTS);
        const statusOf = async (list: string, cursor: string, user: string = USERS.ada) =>
            (await client.call(user, 'GET', `${list}?limit=1&cursor=${encodeURIComponent(cursor)}`)).status;
        for (const [list, cursor] of cursors) {
            expect([list, await statusOf(list, cursor)]).toEqual([list, 200]);
            const forged = [
                ...[...cursors].filter(([other]) => other !== list).map(([, other]) => other),
                ...[1, 5, 11].map((step) => cursor.slice(0, -step)),
                ...[0, 3, cursor.indexOf('.') + 2].map(
                    (at) => `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`,
                ),
                `${cursor}A`,
                `${cursor}.`,
                `${cursor}\u0000`,
                '.',
                'x'.repeat(1024),
                'x'.repeat(1025),
                Buffer.from('["-infinity","00000000-0000-0000-0000-000000000000"]').toString('base64url'),
                ...Object.values(HOSTILE)
                    .filter((text) => text.length < 1000)
                    .map((text) => text.replace(LONE, '\ufffd')),
            ];
            for (const one of forged) expect([list, one, await statusOf(list, one)]).toEqual([list, one, 400]);
        }
        // What is of one's own is sealed for its reader; what all readers see alike may be passed on.
        for (const list of ['/projects', '/activity', '/notifications']) {
            expect([list, await statusOf(list, cursors.get(list) ?? '', USERS.bob)]).toEqual([list, 400]);
        }
    });

    test('of a megabyte ends without an answer of 500', async () => {
        const answer = await exchange(
            Number(new URL(server.url).port),
            `GET /projects?cursor=${'x'.repeat(1_000_000)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        ).catch(String);
        expect(answer).not.toMatch(/^HTTP\/1\.1 50[0-4]/);
        expect((await client.call(USERS.ada, 'GET', '/projects')).status).toBe(200);
    });
});

test('a frame with hostile text in any field is answered, its ref as it was, and the socket goes on', async () => {
    const socket = await client.join(USERS.ada);
    const logged = await linesOf(async () => {
        for (const [kind, text] of Object.entries(HOSTILE)) {
            for (const frame of [
                { type: 'subscribe', topic: text },
                { type: 'subscribe', topic: `project:${text}` },
                { type: 'subscribe', topics: [{ topic: text }] },
                { type: 'subscribe', topic: `project:${WEBSITE}`, since: 1, epoch: text },
                { type: 'unsubscribe', topic: text },
                { type: text },
                { type: 'ping', [text]: 1 },
                JSON.parse(`{"type":"ping",${JSON.stringify(text)}:1}`),
            ]) {
                socket.send(frame);
                const ref = `${kind.slice(0, 8)}-${HOSTILE[kind] === text ? 'end' : ''}`;
                socket.send({ type: 'ping', ref });
                await socket.next({ type: 'pong', ref });
            }
            if (Buffer.byteLength(text) > 64 || kind === 'surrogate') continue;
            socket.send({ type: 'ping', ref: text });
            await socket.next({ type: 'pong', ref: text });
        }
    });
    expect(logged.filter(({ type }) => type === 'handler.failed')).toEqual([]);
    // A subscription whose epoch is none of ours is reset; `project:__proto__` is a topic like another.
    expect(new Set(socket.frames.map(({ type, code }) => code ?? type))).toEqual(
        new Set(['welcome', 'bad_request', 'forbidden', 'subscribed', 'pong']),
    );
});

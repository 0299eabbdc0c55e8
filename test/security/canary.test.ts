import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { type Server, startServer } from '../../src/main.ts';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { exchange, handshake } from '../http/client.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { testEnvironment, tokenFor } from '../support/server.ts';
import { CLAIMS, hs256, part } from '../support/tokens.ts';
import { frameOf, placesOf } from './places.ts';

const SECRET = 'a secret of the canary, of 32 bytes and more';

let database: TestDatabase;
let server: Server;
let port: number;
const lines: string[] = [];
const answers: string[] = [];

beforeAll(async () => {
    database = await openDatabase({ example: true });
    const env = { JWT_SECRET: SECRET, DEV_LOGIN: 'true', LOG_LEVEL: 'trace', CORS_ORIGINS: 'https://app.example.com' };
    const config = loadConfig({ ...testEnvironment(database.url), ...env });
    server = await startServer(
        config,
        createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } }),
    );
    port = Number(new URL(server.url).port);
});
afterAll(async () => {
    await server.stop();
    await database.close();
});

const good = hs256({ ...CLAIMS, sub: USERS.bob, jti: 'canary' }, { alg: 'HS256', typ: 'JWT' }, SECRET);
const [head = '', body = '', signature = ''] = good.split('.');

/** Tokens, and the part of each that is to be found nowhere. */
const CANARIES: Readonly<Record<string, readonly [token: string, needle: string]>> = {
    good: [good, signature],
    forged: [`${head}.${body}.${part('canary of a forged signature')}`, part('canary of a forged signature')],
    expired: (() => {
        const token = hs256({ sub: USERS.bob, exp: 1 }, { alg: 'HS256' }, SECRET);
        return [token, token.split('.')[2] ?? ''] as const;
    })(),
    'spelled otherwise': (() => {
        const token = hs256('{ "sub": "42", "exp": 1 }', '{ "alg": "HS256" }', SECRET);
        return [token, token.split('.')[2] ?? ''] as const;
    })(),
    // Who sends a malformed frame is shown the first 60 characters of what was wrong with it.
    opaque: [`canary-of-another-service-${'x'.repeat(40)}-0paque`, '0paque'],
    'of five parts': [`${good}.Y2FuYXJ5LW9mLWZpdmU.Zml2ZQ`, 'Y2FuYXJ5LW9mLWZpdmU'],
};

const encoded = (token: string) => token.replaceAll('.', '%2e');

/** Requests with a token where it may be, and where somebody puts it by mistake. */
function requestsOf(token: string): readonly string[] {
    const bearer = { Authorization: `Bearer ${token}` };
    const referer = { Referer: `https://app.example.com/?token=${encoded(token)}` };
    const json = { 'Content-Type': 'application/json', Origin: 'https://app.example.com', 'Idempotency-Key': 'canary' };
    const login = JSON.stringify({ userId: USERS.bob, token });
    return [
        request('GET', '/notifications', bearer),
        request('GET', `/notifications?token=${token}`, { ...bearer, ...referer }),
        request('GET', `/notifications?limit=none&TOKEN=${encoded(token)}`, bearer),
        request('GET', '/notifications', { Authorization: `Basic ${token}`, Cookie: `token=${token}` }),
        request(
            'PATCH',
            `/tasks/${seededTask(1, 1)}?token=${token}`,
            { ...bearer, ...json, ...referer },
            '{"title":"New"}',
        ),
        request('PATCH', `/tasks/${seededTask(1, 1)}`, { ...bearer, ...json }, `{"token":"${token}"}`),
        request(
            'POST',
            `/projects/${WEBSITE}/tasks?token=${token}`,
            { ...bearer, ...json, ...referer },
            '{"title":"New"}',
        ),
        request('POST', `/projects/${WEBSITE}/tasks`, { ...bearer, ...json }, `{"title":`),
        request('GET', `/nowhere?token=${token}`, referer),
        request('GET', `/nowhere?Token=${encoded(token)}`, referer),
        request('DELETE', `/notifications?token=${token}`, bearer),
        request('OPTIONS', `/notifications?token=${token}`, { Origin: 'https://app.example.com' }),
        request('GET', `/unsubscribe?token=${token}`),
        request(
            'POST',
            `/unsubscribe?token=${encoded(token)}`,
            { 'Content-Type': 'application/x-www-form-urlencoded' },
            'a=b',
        ),
        request('POST', `/dev/login?token=${token}`, { ...bearer, ...json }, login),
        request('GET', `/stream?topic=user:${USERS.bob}&token=${encoded(token)}&limit=1`, referer),
        request('GET', `/stream?topic=none&token=${token}`),
        request('GET', `/topics/none/events?token=${token}`, bearer),
        request('GET', `/ws?token=${token}`, referer),
        handshake({ Origin: 'https://evil.example' }, `/ws?token=${token}`),
        handshake({ 'Sec-WebSocket-Version': '12', ...bearer }),
        handshake({ 'Sec-WebSocket-Protocol': `bearer.${token}`, Origin: 'null' }),
    ];
}

function request(method: string, path: string, headers: Record<string, string> = {}, content = ''): string {
    const all = { Host: '127.0.0.1', ...headers, 'Content-Length': String(content.length) };
    const fields = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    return `${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${content}`;
}

/** Frames with a token where it may be, and where it does not belong. */
function framesOf(token: string): readonly string[] {
    return [
        JSON.stringify({ type: 'auth', token, more: 1 }),
        JSON.stringify({ type: 'auth', token: [token] }),
        JSON.stringify({ type: 'auth', tokens: token }),
        `{"type":"auth","token":"${token}"`,
        `{"type":"auth","token":"${token}",}`,
        JSON.stringify(token),
        token,
        JSON.stringify({ type: token }),
        JSON.stringify({ type: 'ping', [token]: 1 }),
        JSON.stringify({ type: 'subscribe', topic: `user:${USERS.bob}`, since: token, epoch: 'k' }),
    ];
}

const ANSWERED = /\r\n\r\n[\s\S]*(\}|<\/html>\s*)$|^HTTP\/1\.1 204/;

async function play(token: string): Promise<void> {
    for (const bring of Object.values(placesOf(await tokenFor(USERS.bob, 60_000, SECRET)))) {
        // A good one is let in: it is closed from without.
        if (token !== good) answers.push(await bring(port, token));
    }
    answers.push(...(await Promise.all(requestsOf(token).map((text) => exchange(port, text, ANSWERED)))));
    const opened = await exchange(port, handshake({}, `/ws?token=${encoded(token)}`), /"type":"(welcome|error)"/);
    answers.push(opened);
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const pong = new Promise<void>((resolve) => {
        socket.setEncoding('latin1').on('data', (text: string) => {
            heard += text;
            if (text.includes('welcome')) {
                for (const frame of framesOf(token)) socket.write(frameOf(frame));
                socket.write(frameOf('{"type":"ping"}'));
            }
            if (heard.includes('"pong"')) resolve();
        });
    });
    socket.write(handshake({ Authorization: `Bearer ${good}` }));
    await pong;
    socket.destroy();
    answers.push(heard);
}

describe('a token that was sent everywhere', () => {
    beforeAll(async () => {
        for (const [token] of Object.values(CANARIES)) await play(token);
        // What fails in a handler is logged with its error, and answered without.
        await database.sql`alter table tidings.notification rename to notification_away`;
        for (const [token] of Object.values(CANARIES)) {
            const headers = { Authorization: `Bearer ${good}`, Referer: `https://a.example/?token=${token}` };
            const texts = [
                request('GET', `/notifications/counts?token=${encoded(token)}`, headers),
                request('GET', '/notifications', headers),
            ];
            for (const text of texts) {
                answers.push(await exchange(port, text, ANSWERED));
                expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 500 /);
            }
        }
        await database.sql`alter table tidings.notification_away rename to notification`;
    });

    test('has been noticed', () => {
        const types = new Set(lines.map((line) => JSON.parse(line).type as string));
        for (const type of ['auth.failed', 'http.answered', 'socket.opened', 'socket.refused', 'handler.failed']) {
            expect([...types]).toContain(type);
        }
        const statuses = new Set(answers.flatMap((answer) => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? []));
        expect([...statuses].sort()).toEqual(
            expect.arrayContaining(['101', '200', '201', '204', '400', '401', '403', '404', '405', '426', '500']),
        );
    });

    test.each(Object.keys(CANARIES))('and is %s stands in no line of the log and in no answer', (name) => {
        const [token, needle] = CANARIES[name] ?? ['', ''];
        for (const text of [token, encoded(token), needle]) {
            expect(lines.filter((line) => line.includes(text))).toEqual([]);
            expect(answers.filter((answer) => answer.includes(text))).toEqual([]);
        }
    });

    test('is in no row of any table', async () => {
        const tables = await database.sql<{ name: string }[]>`
            select format('%I.%I', n.nspname, c.relname) as name
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname in ('tidings', 'app', 'graphile_worker') and c.relkind in ('r', 'p')`;
        const needles = Object.values(CANARIES).map(([, needle]) => needle);
        const found: string[] = [];
        let rows = 0;
        for (const { name } of tables) {
            const texts = await database.sql.unsafe<{ text: string }[]>(`select t::text as text from ${name} t`);
            rows += texts.length;
            found.push(...texts.filter(({ text }) => needles.some((needle) => text.includes(needle))).map(() => name));
        }
        expect(found).toEqual([]);
        expect([tables.length > 10, rows > 100]).toEqual([true, true]);
    });
});

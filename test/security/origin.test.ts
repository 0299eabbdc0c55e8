import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, handshake } from '../http/client.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';

const APP = 'https://app.example.com';

let database: TestDatabase;
/** One with an allow-list, one that is open to its own pages only. */
let [listed, own]: readonly TestServer[] = [];
let token: string;
beforeAll(async () => {
    database = await openDatabase();
    const start = (env: Record<string, string>) =>
        startTestServer(database.url, { env: { EXAMPLE: 'false', LISTEN: 'false', DEV_LOGIN: 'true', ...env } });
    listed = await start({ CORS_ORIGINS: `${APP},http://127.0.0.1:3000` });
    own = await start({});
    token = await tokenFor('42');
});
afterAll(async () => {
    await listed?.stop();
    await own?.stop();
    await database.close();
});

const FOREIGN = [
    'null',
    'https://evil.example',
    'https://evil-app.example.com',
    'https://evilapp.example.com',
    'https://app.example.com.evil.example',
    'https://app.example.com:443',
    'https://app.example.com:444',
    'https://app.example.com.',
    'https://sub.app.example.com',
    'http://app.example.com',
    'https://APP.example.com',
    'https://app.example.com/',
    'https://app.example.com, https://evil.example',
    'https://app.example.com https://evil.example',
    'https://app.example.com#.evil.example',
    'https://аpp.example.com'.normalize(),
    'https://xn--pp-8kc.example.com',
    'http://127.0.0.1:3001',
    'http://localhost:3000',
    'file://',
    'chrome-extension://abcdefghijklmnop',
    '*',
];

function portOf(server: TestServer | undefined): number {
    return Number(new URL(server?.url ?? '').port);
}

async function upgrade(server: TestServer | undefined, origin: string): Promise<string> {
    const text = handshake({ Origin: origin, Authorization: `Bearer ${token}` });
    return (await exchange(portOf(server), Buffer.from(text, 'utf8'), /welcome|\}$/)).slice(9, 12);
}

async function corsOf(server: TestServer | undefined, origin: string, method = 'GET'): Promise<readonly string[]> {
    const lines = [
        `${method} /notifications HTTP/1.1`,
        'Host: 127.0.0.1',
        `Origin: ${origin}`,
        `Authorization: Bearer ${token}`,
        ...(method === 'OPTIONS' ? ['Access-Control-Request-Method: PATCH', 'Access-Control-Request-Headers: x'] : []),
    ];
    const text = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8');
    const answer = await exchange(portOf(server), text, /\r\n\r\n(\{.*\})?$/s);
    return answer.split('\r\n').filter((line) => /^access-control-/i.test(line));
}

describe.each(FOREIGN)('a page of %s', (origin) => {
    test('opens no socket and reads no answer, whatever token it has', async () => {
        expect([await upgrade(listed, origin), await upgrade(own, origin)]).toEqual(['403', '403']);
        for (const server of [listed, own]) {
            expect([await corsOf(server, origin), await corsOf(server, origin, 'OPTIONS')]).toEqual([[], []]);
        }
    });
});

test('a page of the list may, without credentials of the browser; no other server’s', async () => {
    expect(await upgrade(listed, APP)).toBe('101');
    expect(await upgrade(own, APP)).toBe('403');
    expect(await corsOf(own, APP)).toEqual([]);
    for (const method of ['GET', 'OPTIONS']) {
        const lines = await corsOf(listed, APP, method);
        expect(lines).toContain(`access-control-allow-origin: ${APP}`);
        expect(lines.join('\n')).not.toMatch(/credentials|: \*/i);
    }
});

test('a stream of a foreign page is answered without leave to read it', async () => {
    const text = `GET /stream?topic=user:42&token=${token} HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n`;
    const answer = await exchange(portOf(listed), text, /subscribed/);
    expect(answer).not.toMatch(/access-control-allow/i);
});

describe('the development login', () => {
    function login(host: string, contentType = 'application/json'): Promise<string> {
        const body = JSON.stringify({ userId: '42' });
        const lines = [`Host: ${host}`, `Origin: http://${host}`, `Content-Type: ${contentType}`];
        const text = `POST /dev/login HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        return exchange(portOf(own), text, /\r\n\r\n\{.*\}$/s);
    }

    test.each(['127.0.0.1', '127.0.0.1:8080', 'localhost:8080', '[::1]:8080'])('serves %s', async (host) => {
        expect(await login(host)).toMatch(/^HTTP\/1\.1 200 [\s\S]*"token":/);
    });

    // DNS rebinding: to the browser the page and we are one origin.
    test.each(['evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', '192.168.0.1'])(
        'is not for a page that has made its name %s ours',
        async (host) => {
            const answer = await login(host);
            expect(answer).toMatch(/^HTTP\/1\.1 403 /);
            expect(answer).not.toContain('"token"');
        },
    );

    test('takes nothing a form can send', async () => {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
            expect(await login('127.0.0.1', type)).toMatch(/^HTTP\/1\.1 4\d\d /);
        }
    });
});

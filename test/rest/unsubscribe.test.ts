/** `/unsubscribe` over a database: what it shows, what it changes, and what it refuses. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createUnsubscribe } from '../../src/mail/index.ts';
import { createRest, type RestService, unsubscribeResource } from '../../src/rest/index.ts';
import { call } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

const unsubscribe = createUnsubscribe('a secret of more than thirty-two bytes');
let database: TestDatabase;
let pool: Sql;
let rest: RestService;

beforeAll(async () => {
    database = await openDatabase();
    pool = postgres(database.url, { max: 2, onnotice: () => {}, connection: { role: 'tidings_server' } as object });
    rest = createRest({
        sql: pool,
        verifier: { verify: () => Promise.reject(new Error('expected no token')) },
        observe: () => {},
        settings: { corsOrigins: [], cursorKey: 'a key for the cursors of tests' },
        checks: [],
        resources: [
            unsubscribeResource({ verify: unsubscribe.verify, settingsUrl: 'https://tasks.example.com/?a=1&b=2' }),
        ],
    });
});
afterAll(async () => {
    await pool.end({ timeout: 1 });
    await database.close();
});
beforeEach(async () => {
    await database.sql`truncate tidings.preference`;
});

function path(scope: string, userId = '42'): string {
    const { pathname, search } = new URL(unsubscribe.url('https://tasks.example.com', { userId, scope }));
    return pathname + search;
}

async function choices(): Promise<readonly string[]> {
    const rows = await database.sql<{ choice: string }[]>`
        select concat_ws(' ', p.user_id, p.type, p.channel, p.value) as choice from tidings.preference p order by 1`;
    return rows.map(({ choice }) => choice);
}

const ONE_CLICK = {
    raw: 'List-Unsubscribe=One-Click',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
};

describe('looking at it', () => {
    test.each(['GET', 'HEAD'])('by %s changes nothing', async (method) => {
        const { status, headers } = await call(rest, method, path('task.assigned'));
        expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
        expect(await choices()).toEqual([]);
    });

    test('is a page that says what would end, with a form and without script', async () => {
        const { body } = await call(rest, 'GET', path('task.assigned'));
        expect(body).toContain('no more e-mails of the kind <code>task.assigned</code>');
        expect(body).toContain('<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">');
        expect(body).not.toMatch(/<script|<img|<link|src=/);
        expect((await call(rest, 'GET', path('*'))).body).toContain('no more e-mails about what happens here');
    });

    test('shows the token to nobody, and is not framed, kept or found', async () => {
        const { headers, body } = await call(rest, 'GET', path('*'));
        expect(headers.get('content-security-policy')).toMatch(
            /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
        );
        expect([headers.get('referrer-policy'), headers.get('cache-control'), headers.get('x-robots-tag')]).toEqual([
            'no-referrer',
            'no-store',
            'noindex',
        ]);
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(body).not.toContain('token=');
    });

    test.each([
        ['de-AT,de;q=0.9,en;q=0.5', 'de', 'Abbestellen?'],
        ['fr, en;q=0.5, de;q=0.1', 'en', 'Unsubscribe?'],
        ['', 'en', 'Unsubscribe?'],
    ])('in the language of %j is in %s', async (accepted, language, title) => {
        const { body } = await call(rest, 'GET', path('*'), { headers: { 'accept-language': accepted } });
        expect(body).toContain(`<html lang="${language}">`);
        expect(body).toContain(`<h1>${title}</h1>`);
    });
});

describe('a post', () => {
    test.each([
        ['of a mail client, one click', ONE_CLICK],
        [
            'of a mail client, multipart',
            {
                raw: '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
                headers: { 'content-type': 'multipart/form-data; boundary=x' },
            },
        ],
        ['of nothing', {}],
    ])('%s, ends the mails of a type, once or twice', async (_, sent) => {
        for (let i = 0; i < 2; i += 1) {
            const { status, body } = await call(rest, 'POST', path('task.assigned'), sent);
            expect(status).toBe(200);
            expect(body).toContain('You are unsubscribed');
            expect(body).toContain('switch e-mails on again in your notification settings');
            expect(body).toContain('<a href="https://tasks.example.com/?a=1&amp;b=2">');
            expect(await choices()).toEqual(['42 task.assigned email off']);
        }
    });

    test('for all ends those of types with a choice of their own too, and nothing else', async () => {
        await database.sql`
            select tidings.set_preference('42', 'task.assigned', 'email', 'instant'),
                tidings.set_preference('42', 'task.assigned', 'inApp', 'instant'),
                tidings.set_preference('42', 'task.commented', 'inApp', 'off'),
                tidings.set_preference('43', 'task.assigned', 'email', 'daily')`;
        expect((await call(rest, 'POST', path('*'), ONE_CLICK)).status).toBe(200);
        expect(await choices()).toEqual([
            '42 * email off',
            '42 task.assigned email off',
            '42 task.assigned inApp instant',
            '42 task.commented inApp off',
            '43 task.assigned email daily',
        ]);
    });

    test('is answered without a login, whatever is sent as one', async () => {
        expect((await call(rest, 'POST', path('*'), { ...ONE_CLICK, as: 'nobody' })).status).toBe(200);
    });
});

describe('refused with a page, and nothing changed:', () => {
    const forged = createUnsubscribe('another secret of more than thirty-two bytes');
    test.each([
        ['no token', '/unsubscribe'],
        ['an empty one', '/unsubscribe?token='],
        ['one cut short', path('*').slice(0, -1)],
        [
            'one by another key',
            forged.url('https://x.example', { userId: '42', scope: '*' }).slice('https://x.example'.length),
        ],
        ['markup', '/unsubscribe?token=%3Cscript%3Ealert(1)%3C/script%3E'],
    ])('%s', async (_, where) => {
        for (const method of ['GET', 'POST']) {
            const { status, body, headers } = await call(rest, method, where, method === 'POST' ? ONE_CLICK : {});
            expect([status, headers.get('cache-control')]).toEqual([400, 'no-store']);
            expect(body).toContain('This link does not work');
            expect(body).not.toContain('<script');
        }
        expect(await choices()).toEqual([]);
    });
});

test('other methods are not known', async () => {
    const { status, headers } = await call(rest, 'DELETE', path('*'));
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST']);
});

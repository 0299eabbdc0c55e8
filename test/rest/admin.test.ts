/** `/admin/*` over a database: who gets in, and what bounces do. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { adminResource, createRest, type RestService } from '../../src/rest/index.ts';
import { call } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

const TOKEN = 'a-token-of-administration';
let database: TestDatabase;
let pool: Sql;
let rest: RestService;

beforeAll(async () => {
    database = await openDatabase();
    pool = postgres(database.url, {
        max: 2,
        // As the server's own pool: arrays can't be passed.
        fetch_types: false,
        onnotice: () => {},
        connection: { role: 'tidings_server' } as object,
    });
    rest = serve([adminResource(TOKEN)]);
});
afterAll(async () => {
    await pool.end({ timeout: 1 });
    await database.close();
});
beforeEach(async () => {
    await database.sql`truncate tidings.suppression`;
});

function serve(resources: Parameters<typeof createRest>[0]['resources']): RestService {
    return createRest({
        sql: pool,
        verifier: { verify: async () => ({ userId: '42' }) },
        observe: () => {},
        settings: { corsOrigins: [], cursorKey: 'a key for the cursors of tests' },
        checks: [],
        resources,
    });
}

function tell(bounces: unknown, token: string | null = TOKEN) {
    return call(rest, 'POST', '/admin/bounces', {
        body: { bounces },
        ...(token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
}

async function suppressed(): Promise<readonly string[]> {
    const rows = await database.sql<{ line: string }[]>`
        select s.address || ': ' || s.reason as line from tidings.suppression s order by 1`;
    return rows.map(({ line }) => line);
}

describe('POST /admin/bounces', () => {
    test('suppresses what came back for good, and who complained', async () => {
        const { status, body } = await tell([
            { email: 'Bob@Example.com', reason: '550 5.1.1 no such user' },
            { email: 'eve@example.com', type: 'complaint' },
            { email: 'cyd@example.com', type: 'transient', reason: '452 mailbox full' },
            { email: 'bob@example.com', reason: 'told twice' },
        ]);
        expect([status, body]).toEqual([200, { suppressed: 2 }]);
        expect(await suppressed()).toEqual([
            expect.stringMatching(/^bob@example.com: (550 5.1.1 no such user|told twice)$/),
            'eve@example.com: complaint',
        ]);
        expect((await tell([{ email: 'EVE@example.com' }])).body).toEqual({ suppressed: 0 });
    });

    test.each([
        ['nothing', null],
        ['a user’s token', 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln'],
        ['a token that begins like it', TOKEN.slice(0, -1)],
        ['a token that goes on', `${TOKEN}n`],
    ])('refuses %s', async (_, token) => {
        const { status, body } = await tell([{ email: 'bob@example.com' }], token);
        expect([status, body.code]).toEqual([401, 'unauthorized']);
        expect(await suppressed()).toEqual([]);
    });

    test.each([
        ['no address', [{ email: 'bob' }]],
        ['a control character', [{ email: 'a\u0085b@d.example' }]],
        ['a NUL', [{ email: 'a\0b@d.example' }]],
        ['a NUL in a reason', [{ email: 'bob@example.com', reason: 'a\0b' }]],
        ['an address that is too long in lower case', [{ email: `${'İ'.repeat(300)}@d.example` }]],
        ['two addresses in one', [{ email: 'a@b.example, c@d.example' }]],
        ['none', []],
        ['more than a thousand', Array.from({ length: 1001 }, () => ({ email: 'bob@example.com' }))],
        ['another type', [{ email: 'bob@example.com', type: 'maybe' }]],
        ['another key', [{ email: 'bob@example.com', address: 'x' }]],
    ])('refuses %s', async (_, bounces) => {
        const { status, body } = await tell(bounces);
        expect([status, body.code]).toEqual([400, 'bad_request']);
        expect(await suppressed()).toEqual([]);
    });

    test('is not there without a token of administration', async () => {
        const { status } = await call(serve([]), 'POST', '/admin/bounces', {
            body: { bounces: [{ email: 'bob@example.com' }] },
            headers: { authorization: `Bearer ${TOKEN}` },
        });
        expect(status).toBe(404);
    });
});

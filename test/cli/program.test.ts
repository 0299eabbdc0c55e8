import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeTerminal, fakeTerminal } from './fake-terminal.ts';

let database: TestDatabase;
let dataDir: string;
beforeAll(async () => {
    database = await openDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'tidings-cli-'));
});
afterAll(async () => {
    await database.close();
    await rm(dataDir, { recursive: true });
});

type Outcome = { readonly code: number; readonly printed: readonly string[]; readonly told: readonly string[] };

async function run(args: readonly string[], { env = {}, input = '' } = {}): Promise<Outcome> {
    const terminal: FakeTerminal = fakeTerminal({ DATABASE_URL: database.url, ...env }, input);
    return { code: await runProgram(args, terminal), printed: terminal.printed, told: terminal.told };
}

describe('misuse exits with 2 and says what was expected', () => {
    test.each([
        [['frobnicate'], "error: unknown command 'frobnicate'"],
        [['sql', 'select 1', 'select 2'], 'error: too many arguments'],
        [['sql', '--xml', 'select 1'], "error: unknown option '--xml'"],
        [['token'], "error: required option '--user <id>' not specified"],
        [['token', '--user', 'a b'], 'expected an id'],
        [['token', '--user', 'a', '--ttl', 'soon'], 'expected a duration like 1h, got "soon"'],
    ])('%j', async (args, message) => {
        const { code, told } = await run(args);
        expect(code).toBe(2);
        expect(told.join('\n')).toContain(message);
    });

    test('a wrong environment', async () => {
        const { code, told } = await run(['migrate', 'status'], { env: { PORT: 'http' } });
        expect({ code, told }).toEqual({
            code: 2,
            told: [
                'tidings: expected a valid configuration, got:\n' +
                    '  PORT: expected an integer from 0 to 65535, got "http"',
            ],
        });
    });
});

test.each([
    [['--help']],
    [['serve', '--help']],
    [['migrate', '--help']],
    [['migrate', 'up', '--help']],
    [['migrate', 'status', '--help']],
    [['token', '--help']],
    [['sql', '--help']],
    [['worker', '--help']],
    [['digest', '--help']],
    [['doctor', '--help']],
])('%j shows help and exits with 0', async (args) => {
    const { code, printed } = await run(args);
    expect(code).toBe(0);
    expect(printed.join('\n')).toContain('Usage: tidings');
});

describe('sql', () => {
    test('prints a table of what the server says', async () => {
        const statement = "select 1::bigint as id, 'a\nb' as text, null as nothing, timestamptz 'epoch' as at";
        expect(await run(['sql', statement])).toEqual({
            code: 0,
            printed: [
                'id | text | nothing | at',
                '---+------+---------+-----------------------',
                '1  | a\\nb |         | 1970-01-01 00:00:00+00',
            ],
            told: ['(1 row)'],
        });
    });

    test('prints rows as JSON', async () => {
        const { printed } = await run([
            'sql',
            '--json',
            'select n, \'{"a":1}\'::jsonb as j from generate_series(1, 2) n',
        ]);
        expect(JSON.parse(printed.join(''))).toEqual([
            { n: 1, j: { a: 1 } },
            { n: 2, j: { a: 1 } },
        ]);
    });

    test('tells what a statement without rows did', async () => {
        await run(['sql', 'create table counted (n int)']);
        expect(await run(['sql', 'insert into counted values (1), (2)'])).toMatchObject({
            printed: [],
            told: ['INSERT 2'],
        });
    });

    test('takes one statement only, from an argument or standard input', async () => {
        const two = await run(['sql', 'select 1; select 2']);
        expect(two.code).toBe(1);
        expect(two.told[0]).toContain('cannot insert multiple commands into a prepared statement [42601]');
        expect(await run(['sql'], { input: 'select 7 as n;\n' })).toMatchObject({ code: 0, printed: ['n', '-', '7'] });
        expect(await run(['sql'], { input: '' })).toMatchObject({ code: 2 });
    });

    test('fails with what PostgreSQL says', async () => {
        const { code, told } = await run(['sql', 'select * from nowhere']);
        expect({ code, told }).toEqual({ code: 1, told: ['tidings: relation "nowhere" does not exist [42P01]'] });
    });
});

describe('migrate', () => {
    test('up applies the engine and status agrees', async () => {
        const empty = await openDatabase({ empty: true });
        const env = { DATABASE_URL: empty.url };
        try {
            const before = await run(['migrate', 'status', '--json'], { env });
            expect(JSON.parse(before.printed.join('')).sets[0]).toMatchObject({ set: 'engine', functions: 'pending' });
            const up = await run(['migrate', 'up'], { env });
            expect(up.printed[0]).toMatch(/^applied {2}engine {2}0001_\S+\.sql {2}\d+ ms$/);
            expect(await run(['migrate', 'up'], { env })).toMatchObject({ code: 0, printed: ['up to date'] });
            const after = await run(['migrate', 'status'], { env });
            expect(after.code).toBe(0);
            expect(after.printed.every((line) => /^applied {2}engine {2}/.test(line))).toBe(true);
            await empty.sql`insert into tidings.schema_migrations values ('9999')`;
            const wrong = await run(['migrate', 'status'], { env });
            expect(wrong).toMatchObject({
                code: 1,
                told: ['tidings: expected no edited, missing or skipped migration, got 1'],
            });
            expect(wrong.printed).toContain('missing  engine  9999');
        } finally {
            await empty.close();
        }
    });
});

describe('token', () => {
    const JWT_SECRET = 'a-secret-of-more-than-thirty-two-bytes';

    test('prints a token of the user that lasts as long as asked', async () => {
        const env = { JWT_SECRET, JWT_ISSUER: 'me' };
        const { code, printed } = await run(['token', '--user', 'auth0|42', '--ttl', '15m'], { env });
        expect(code).toBe(0);
        const claims = JSON.parse(Buffer.from(printed[0]?.split('.')[1] ?? '', 'base64url').toString());
        expect(claims).toMatchObject({ sub: 'auth0|42', iss: 'me' });
        expect(claims.exp - claims.iat).toBe(900);
    });

    test('is misused where there is no key, or tokens are somebody else’s', async () => {
        expect(await run(['token', '--user', 'a'])).toMatchObject({
            code: 2,
            told: ['tidings: expected JWT_SECRET to be set, got nothing'],
        });
        const env = { JWT_SECRET, JWKS_URL: 'https://id.example.com/jwks' };
        expect(await run(['token', '--user', 'a'], { env })).toMatchObject({ code: 2 });
    });
});

test('without DATABASE_URL and a server that runs, commands say what to do', async () => {
    const env = { DATABASE_URL: '', DATA_DIR: dataDir };
    for (const args of [
        ['sql', 'select 1'],
        ['migrate', 'status'],
        ['token', '--user', 'a'],
        ['digest', '--user', 'a', '--preview'],
        ['doctor'],
    ]) {
        expect(await run(args, { env })).toEqual({
            code: 1,
            printed: [],
            told: [
                `tidings: expected a server to run on DATA_DIR ${dataDir}, got none; ` +
                    'start one with `npm start`, or set DATABASE_URL',
            ],
        });
    }
});

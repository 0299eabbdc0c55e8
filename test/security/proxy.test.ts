import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, handshake } from '../http/client.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let database: TestDatabase;
let servers: Readonly<Record<'0' | '1' | 'limited 0' | 'limited 1', TestServer>>;
beforeAll(async () => {
    database = await openDatabase();
    const start = (env: Record<string, string>) =>
        startTestServer(database.url, { env: { EXAMPLE: 'false', LISTEN: 'false', ...env } });
    servers = {
        '0': await start({}),
        '1': await start({ TRUST_PROXY: '1' }),
        'limited 0': await start({ REST_RATE: '3/60s' }),
        'limited 1': await start({ REST_RATE: '3/60s', TRUST_PROXY: '1' }),
    };
});
afterAll(async () => {
    for (const server of Object.values(servers)) await server.stop();
    await database.close();
});

type Field = readonly [name: string, value: string];
const portOf = ({ url }: TestServer) => Number(new URL(url).port);

async function ask(server: TestServer, fields: readonly Field[], target = 'GET /notifications'): Promise<string> {
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return await exchange(portOf(server), `${target} HTTP/1.1\r\nHost: x\r\n${lines}\r\n`, /\r\n\r\n\{.*\}$/s);
}

/** The address a REST request and a socket are noted with. */
async function addressesOf(server: TestServer, fields: readonly Field[]): Promise<readonly unknown[]> {
    await ask(server, fields);
    const onRest = await server.observed((seen) => seen['type'] === 'auth.failed' && seen['where'] === 'rest');
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const upgrade = handshake({ Authorization: 'Bearer none' }).replace('Upgrade:', `${lines}Upgrade:`);
    await exchange(portOf(server), upgrade);
    const onSocket = await server.observed((seen) => seen['type'] === 'auth.failed' && seen['where'] === 'header');
    return [onRest, onSocket].map((seen) => ('address' in seen ? seen.address : null));
}

const FORWARDED = 'X-Forwarded-For';
/** What other programs believe. */
const OTHERS: readonly Field[] = [
    ['Forwarded', 'for=6.6.6.6;proto=https'],
    ['X-Real-IP', '6.6.6.6'],
    ['True-Client-IP', '6.6.6.6'],
    ['CF-Connecting-IP', '6.6.6.6'],
    ['X-Client-IP', '6.6.6.6'],
    ['X-Cluster-Client-IP', '6.6.6.6'],
    ['Fastly-Client-IP', '6.6.6.6'],
    ['X-Forwarded', '6.6.6.6'],
    ['Via', '1.1 6.6.6.6'],
];

describe('without a trusted proxy', () => {
    test('whatever a client says of itself, it is its peer', async () => {
        const all: Field[] = [[FORWARDED, '6.6.6.6'], [FORWARDED, '7.7.7.7, 8.8.8.8'], ...OTHERS];
        expect(await addressesOf(servers[0], all)).toEqual(['127.0.0.1', '127.0.0.1']);
    });

    test('and is limited as one, whatever it says', async () => {
        const statuses: string[] = [];
        for (let n = 1; n <= 8; n += 1) {
            const fields = [FORWARDED, 'X-Real-IP', 'Forwarded'].map((name): Field => [name, `203.0.113.${n}`]);
            statuses.push((await ask(servers['limited 0'], fields)).slice(9, 12));
        }
        expect(statuses).toEqual(['401', '401', '401', '429', '429', '429', '429', '429']);
        const limited = await servers['limited 0'].observed({ type: 'request.limited' });
        expect(limited).toMatchObject({ key: 'address:127.0.0.1' });
    });
});

describe('behind one trusted proxy', () => {
    test.each<[string, readonly Field[], string]>([
        ['what the proxy appended', [[FORWARDED, '203.0.113.7']], '203.0.113.7'],
        ['of several entries the last', [[FORWARDED, '6.6.6.6, 7.7.7.7, 203.0.113.7']], '203.0.113.7'],
        [
            'of several headers the last',
            [
                [FORWARDED, '6.6.6.6'],
                [FORWARDED, '203.0.113.7'],
            ],
            '203.0.113.7',
        ],
        [
            'an empty header before it',
            [
                [FORWARDED, ''],
                [FORWARDED, '203.0.113.7'],
            ],
            '203.0.113.7',
        ],
        ['an address of IPv6', [[FORWARDED, '6.6.6.6, 2001:db8::7']], '2001:db8::7'],
        ['no other header', [[FORWARDED, '203.0.113.7'], ...OTHERS], '203.0.113.7'],
        ['no other header instead', OTHERS, '127.0.0.1'],
        ['no name', [[FORWARDED, '6.6.6.6, unknown']], '127.0.0.1'],
        ['no address that is none', [[FORWARDED, '6.6.6.6, 999.1.1.1']], '127.0.0.1'],
        ['no text', [[FORWARDED, `6.6.6.6, ${'x'.repeat(2000)}`]], '127.0.0.1'],
        ['nothing of an entry that is missing', [[FORWARDED, '6.6.6.6,']], '127.0.0.1'],
    ])('it is %s', async (_, fields, address) => {
        expect(await addressesOf(servers[1], fields)).toEqual([address, address]);
    });

    test.each([
        ['203.0.113.7', '203.0.113.7:1', '203.0.113.7:65535'],
        ['2001:db8::7', '[2001:db8::7]:1', '[2001:db8::7]:65535'],
    ])('ports make no two of %s', async (address, ...entries) => {
        const seen = await Promise.all(entries.map((entry) => addressesOf(servers[1], [[FORWARDED, entry]])));
        expect(new Set(seen.flat()).size).toBe(1);
        // The address, if its port is understood, or else the proxy's.
        expect([address, '127.0.0.1']).toContain(seen[0]?.[0]);
    });

    test('a client is limited by what the proxy says of it, and nobody else is', async () => {
        const client = async (n: number, address: string) =>
            (await ask(servers['limited 1'], [[FORWARDED, `198.51.100.${n}, ${address}`]])).slice(9, 12);
        const statuses: string[] = [];
        for (let n = 1; n <= 6; n += 1) statuses.push(await client(n, '203.0.113.7'));
        expect(statuses).toEqual(['401', '401', '401', '429', '429', '429']);
        expect(await client(1, '203.0.113.8')).toBe('401');
    });
});

test('a method is the one of the request line', async () => {
    const override = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Original-Method'];
    const fields = override.map((name): Field => [name, 'GET']);
    const form: Field[] = [
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Content-Length', '0'],
    ];
    const answer = await ask(servers[0], [...fields, ...form], 'POST /notifications?_method=GET');
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    const path = await ask(servers[0], [
        ['X-Original-URL', '/healthz'],
        ['X-Rewrite-URL', '/healthz'],
    ]);
    expect(path).toMatch(/^HTTP\/1\.1 401 /);
});

import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { openEventSource } from '../support/event-source.ts';
import { type IdentityProvider, jwkOf, rsaKey, startIdentityProvider } from '../support/identity-provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { connectSocket } from '../support/socket-client.ts';
import {
    type BadToken,
    badTokens,
    foreignTokens,
    forgedSharedTokens,
    hs256,
    ISSUED,
    rs256,
    type Sign,
} from '../support/tokens.ts';
import { canTravel, placesOf, TRACE } from './places.ts';

const SECRET = 'a secret of this battery, of 32 bytes and more';
const CLAIMED = { JWT_SECRET: SECRET, JWT_ISSUER: ISSUED.iss, JWT_AUDIENCE: ISSUED.aud };

const MESSAGE = '{"type":"error","code":"unauthorized","message":"expected a valid, unexpired token"}';
/** The one frame, then the close with its code and reason. */
const TURNED_AWAY = `\x81${String.fromCharCode(MESSAGE.length)}${MESSAGE}\x88\x0e\x11\x31unauthorized`;

const trusted = rsaKey('trusted');
const stranger = rsaKey('stranger');

let database: TestDatabase;
let idp: IdentityProvider;
/** Where tokens may not send us: whatever comes here is a fault. */
let trap: IdentityProvider;
let servers: Readonly<Record<Kind, TestServer>>;

beforeAll(async () => {
    database = await openDatabase();
    idp = await startIdentityProvider([jwkOf(trusted)]);
    trap = await startIdentityProvider([jwkOf(stranger)]);
    servers = {
        'a shared secret': await startTestServer(database.url, { env: { ...CLAIMED, EXAMPLE: 'false' } }),
        'a key set': await startTestServer(database.url, {
            env: { ...CLAIMED, EXAMPLE: 'false', JWKS_URL: idp.url },
        }),
    };
});
afterAll(async () => {
    for (const server of Object.values(servers)) await server.stop();
    await Promise.all([idp.stop(), trap.stop()]);
    await database.close();
});

const signShared: Sign = (payload, header = { alg: 'HS256' }) => hs256(payload, header, SECRET);
const signTrusted: Sign = (payload, header = { alg: 'RS256', kid: 'trusted' }) =>
    rs256(payload, header, trusted.privateKey);

/** How tokens are signed that each kind of server accepts, and the battery it must not. */
const KINDS = {
    'a shared secret': {
        sign: signShared,
        battery: (): BadToken[] => [
            ...badTokens({ sign: signShared, header: { alg: 'HS256' }, claims: ISSUED }, trap.url),
            ...foreignTokens(signShared),
            ...forgedSharedTokens(SECRET, ISSUED),
        ],
    },
    'a key set': {
        sign: signTrusted,
        battery: (): BadToken[] => [
            ...badTokens({ sign: signTrusted, header: { alg: 'RS256', kid: 'trusted' }, claims: ISSUED }, trap.url),
            ...foreignTokens(signTrusted),
            ...forgedAsymmetric(trap.url),
        ],
    },
} as const;
type Kind = keyof typeof KINDS;

/** What is signed with a key that is public, or with the attacker's own that the token brings along. */
function forgedAsymmetric(url: string): BadToken[] {
    const publicKeys = {
        PEM: trusted.publicKey.export({ type: 'spki', format: 'pem' }) as string,
        'PEM without its last line end': (trusted.publicKey.export({ type: 'spki', format: 'pem' }) as string).trim(),
        'PEM of PKCS 1': trusted.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string,
        DER: trusted.publicKey.export({ type: 'spki', format: 'der' }),
        modulus: Buffer.from(jwkOf(trusted).n ?? '', 'base64url'),
        JWK: JSON.stringify(jwkOf(trusted)),
    };
    const own = (header: Readonly<Record<string, unknown>>) =>
        rs256(ISSUED, { alg: 'RS256', ...header }, stranger.privateKey);
    const names = ['../../../../dev/null', "x' or '1'='1", '', 'constructor', '__proto__', 7, ['trusted'], null];
    return [
        ...Object.entries(publicKeys).map(
            ([form, key]): BadToken => [
                `HS256 with the public key as ${form}`,
                hs256(ISSUED, { alg: 'HS256', kid: 'trusted' }, key),
                'algorithm',
            ],
        ),
        ['HS256 with the right secret', signShared(ISSUED), 'algorithm'],
        ['a stranger’s key', own({ kid: 'trusted' }), ''],
        ['a stranger’s key without kid', own({}), ''],
        ['a stranger’s key by jwk', own({ kid: 'stranger', jwk: jwkOf(stranger) }), ''],
        ['a stranger’s key by jku', own({ kid: 'stranger', jku: url }), ''],
        ['a stranger’s key by x5u', own({ kid: 'stranger', x5u: url }), ''],
        ['a stranger’s key by x5c', own({ kid: 'stranger', x5c: [certificateOf()] }), ''],
        ['kid a URL', own({ kid: url }), ''],
        ...names.map((kid): BadToken => [`kid ${JSON.stringify(kid)}`, own({ kid }), '']),
        ['PS256 over a key for RS256', rs256(ISSUED, { alg: 'PS256', kid: 'trusted' }, trusted.privateKey), ''],
        ['ES256 over an RSA key', rs256(ISSUED, { alg: 'ES256', kid: 'trusted' }, trusted.privateKey), ''],
        ['EdDSA over an RSA key', rs256(ISSUED, { alg: 'EdDSA', kid: 'trusted' }, trusted.privateKey), ''],
        ['RS384', rs256(ISSUED, { alg: 'RS384', kid: 'trusted' }, trusted.privateKey), ''],
    ];
}

/** Not a certificate, but the bytes of a key, which is more than anybody should look at. */
function certificateOf(): string {
    return generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}

describe.each(Object.keys(KINDS) as Kind[])('with %s', (kind) => {
    const { sign } = KINDS[kind];
    const port = () => Number(new URL(servers[kind].url).port);

    test('a good token is let in everywhere', async () => {
        const [{ url }, token] = [servers[kind], sign(ISSUED)];
        for (const place of ['header', 'subprotocol', 'query', 'message'] as const) {
            const socket = await connectSocket(url, { token, place });
            await socket.next({ type: 'welcome' });
            socket.send({ type: 'auth', token });
            await socket.next({ type: 'authenticated' });
            await socket.close();
        }
        const stream = await openEventSource(url, `/stream?topic=user:42&token=${token}`);
        await stream.next({ type: 'subscribed' });
        stream.close();
        for (const [method, path] of [
            ['GET', '/notifications'],
            ['POST', '/notifications/read-all'],
        ] as const) {
            const headers = { authorization: `Bearer ${token}` };
            expect((await servers[kind].call(null, method, path, { headers })).status).toBeLessThan(300);
        }
    });

    test.each(Object.keys(placesOf('')))('every bad token in %s gets one and the same answer', async (place) => {
        const bring = placesOf(sign(ISSUED))[place];
        const tokens = KINDS[kind].battery().filter(([, token]) => canTravel(token, place));
        const answers = await Promise.all(tokens.map(async ([, token]) => (await bring?.(port(), token)) ?? ''));
        const different = tokens.flatMap(([what], n) => (answers[n] === expectedIn(place) ? [] : [[what, answers[n]]]));
        expect(different).toEqual([]);
        expect(tokens.length).toBeGreaterThanOrEqual(65);
    });
});

test('no token has sent us anywhere, and unknown keys have cost hardly a request', () => {
    expect(trap.requests()).toBe(0);
    // One in each cool-down that this file took.
    expect(idp.requests()).toBeLessThanOrEqual(3);
});

test('a token that outlives any timer expires on no socket and no stream at once', async () => {
    const [{ url }, token] = [servers['a shared secret'], signShared({ ...ISSUED, exp: 253_402_300_799 })];
    const socket = await connectSocket(url, { token });
    expect(await socket.next({ type: 'welcome' })).toMatchObject({ expiresAt: '9999-12-31T23:59:59.000Z' });
    const stream = await openEventSource(url, `/stream?topic=user:42&token=${token}`);
    await stream.next({ type: 'subscribed' });
    // A timer that overflows fires within a millisecond: later than this answer it would have.
    for (const ref of ['a', 'b']) {
        socket.send({ type: 'auth', token, ref });
        await socket.next({ type: 'authenticated', ref });
    }
    await database.sql`select tidings.emit('user:42', 'test.later', '{}')`;
    await Promise.all([socket.next({ event: 'test.later' }), stream.next({ event: 'test.later' })]);
    stream.close();
    await socket.close();
});

/**
 * What is too long for a place is refused by the place itself: heads by uWebSockets.js, which takes the end of the URL
 * for a version where it cuts it, and messages by WS_MAX_MESSAGE_BYTES.
 */
test.each([
    ['the header', /^HTTP\/1\.1 431 /],
    ['the subprotocol', /^HTTP\/1\.1 431 /],
    ['the query', /^HTTP\/1\.1 (431|505) /],
    ['the first message', /^$/],
    ['a refresh', /^$/],
    ['a bearer of REST', /^HTTP\/1\.1 431 /],
    ['a bearer of a write', /^HTTP\/1\.1 431 /],
    ['the URL of a stream', /^HTTP\/1\.1 (431|505) /],
])('a token of 1 MB in %s ends the connection, and nothing else', async (place, answer) => {
    const { url } = servers['a shared secret'];
    const port = Number(new URL(url).port);
    expect(await placesOf(signShared(ISSUED))[place]?.(port, 'a'.repeat(1_000_000))).toMatch(answer);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test('a token of 20 kB gets the one answer wherever it can be read', async () => {
    const port = Number(new URL(servers['a shared secret'].url).port);
    for (const [place, bring] of Object.entries(placesOf(signShared(ISSUED)))) {
        const answer = await bring(port, 'a'.repeat(20_000));
        expect([place, answer]).toEqual([place, /message|refresh/.test(place) ? '' : expectedIn(place)]);
    }
});

const PROBLEM =
    '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"expected a valid, unexpired token",' +
    '"code":"unauthorized","requestId":"same"}';

/** All of a refusal of REST but the date. */
const NOT_LET_IN = [
    'HTTP/1.1 401 Unauthorized',
    "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    'content-type: application/problem+json',
    'cross-origin-opener-policy: same-origin',
    'cross-origin-resource-policy: same-origin',
    'origin-agent-cluster: ?1',
    'referrer-policy: no-referrer',
    `traceparent: ${TRACE}`,
    'www-authenticate: Bearer',
    'x-content-type-options: nosniff',
    'x-frame-options: DENY',
    'x-permitted-cross-domain-policies: none',
    'x-request-id: same',
    `Content-Length: ${PROBLEM.length}`,
    '',
    PROBLEM,
].join('\r\n');

function expectedIn(place: string): string {
    return /REST|write|stream/.test(place) ? NOT_LET_IN : TURNED_AWAY;
}

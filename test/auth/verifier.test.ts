import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVerifier, reasonOf, signToken, type VerifierSettings } from '../../src/auth/index.ts';
import { TidingsError } from '../../src/errors.ts';

const SECRET = 'a secret of at least thirty-two bytes';
const SHARED: VerifierSettings = { secret: SECRET, jwksUrl: null, issuer: null, audience: null };
const NOW = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: '42', exp: NOW + 600 };

function part(value: unknown): string {
    return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Signs whatever it is given, well-formed or not. */
function hs256(payload: unknown, header: unknown = { alg: 'HS256' }, key: string = SECRET): string {
    const signed = `${part(header)}.${part(payload)}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

async function refusalOf(settings: VerifierSettings, token: string): Promise<string> {
    const error: unknown = await createVerifier(settings)
        .verify(token)
        .then(
            (identity) => expect.fail(`accepted ${JSON.stringify(identity)}`),
            (reason: unknown) => reason,
        );
    expect(error).toBeInstanceOf(TidingsError);
    expect(error).toMatchObject({ code: 'unauthorized', message: 'expected a valid, unexpired token' });
    return reasonOf(error);
}

describe('a shared secret', () => {
    test.each([
        ['the shortest token', hs256(CLAIMS), '42'],
        ['typ JWT', hs256(CLAIMS, { alg: 'HS256', typ: 'JWT' }), '42'],
        ['typ at+jwt', hs256(CLAIMS, { alg: 'HS256', typ: 'at+JWT', kid: '1' }), '42'],
        ['a foreign id', hs256({ ...CLAIMS, sub: 'auth0|42' }), 'auth0|42'],
        ['an expiry with a fraction', hs256({ ...CLAIMS, exp: NOW + 600.5 }), '42'],
    ])('accepts %s', async (_, token, userId) => {
        const identity = await createVerifier(SHARED).verify(token);
        expect(identity.userId).toBe(userId);
        expect(Math.abs(identity.expiresAtMs - (NOW + 600) * 1000)).toBeLessThanOrEqual(500);
    });

    const good = hs256(CLAIMS);
    const [head = '', body = '', signature = ''] = good.split('.');
    test.each([
        ['empty', '', 'not_compact'],
        ['not a token', 'hello', 'not_compact'],
        ['1 MB', 'a'.repeat(1_000_000), 'too_long'],
        ['over 4 KB, well signed', hs256({ ...CLAIMS, x: 'x'.repeat(4000) }), 'too_long'],
        ['none', `${part({ alg: 'none' })}.${body}.`, 'not_compact'],
        ['none with a signature', `${part({ alg: 'none' })}.${body}.${signature}`, 'algorithm'],
        ['None', `${part({ alg: 'None' })}.${body}.${signature}`, 'algorithm'],
        ['no alg', hs256(CLAIMS, {}), 'algorithm'],
        ['HS512 in the header', hs256(CLAIMS, { alg: 'HS512' }), 'algorithm'],
        ['RS256 in the header', hs256(CLAIMS, { alg: 'RS256' }), 'algorithm'],
        ['alg as a list', hs256(CLAIMS, { alg: ['HS256', 'none'] }), 'algorithm'],
        ['crit known', hs256(CLAIMS, { alg: 'HS256', crit: ['exp'], exp: 1 }), 'header_field'],
        ['crit unknown', hs256(CLAIMS, { alg: 'HS256', crit: ['x'], x: 1 }), 'header_field'],
        ['crit empty', hs256(CLAIMS, { alg: 'HS256', crit: [] }), 'header_field'],
        ['jwk', hs256(CLAIMS, { alg: 'HS256', jwk: { kty: 'oct', k: part('x') } }), 'header_field'],
        ['jku', hs256(CLAIMS, { alg: 'HS256', jku: 'http://127.0.0.1:1/' }), 'header_field'],
        ['x5u', hs256(CLAIMS, { alg: 'HS256', x5u: 'http://127.0.0.1:1/' }), 'header_field'],
        ['x5c', hs256(CLAIMS, { alg: 'HS256', x5c: ['x'] }), 'header_field'],
        ['b64 false', hs256(CLAIMS, { alg: 'HS256', b64: false, crit: ['b64'] }), 'header_field'],
        ['zip', hs256(CLAIMS, { alg: 'HS256', zip: 'DEF' }), 'header_field'],
        ['wrong typ', hs256(CLAIMS, { alg: 'HS256', typ: 'dpop+jwt' }), 'type'],
        ['typ no string', hs256(CLAIMS, { alg: 'HS256', typ: 7 }), 'type'],
        ['header no JSON', `${part('{')}.${body}.${signature}`, 'bad_header'],
        ['header null', `${part('null')}.${body}.${signature}`, 'bad_header'],
        ['another key', hs256(CLAIMS, { alg: 'HS256' }, `${SECRET}!`), 'err_jws_signature_verification_failed'],
        ['the empty key', hs256(CLAIMS, { alg: 'HS256' }, ''), 'err_jws_signature_verification_failed'],
        [
            'body tampered',
            `${head}.${part({ ...CLAIMS, sub: '1' })}.${signature}`,
            'err_jws_signature_verification_failed',
        ],
        ['signature stripped', `${head}.${body}.`, 'not_compact'],
        [
            'signature cut',
            `${head}.${body}.${part(Buffer.from(signature, 'base64url').toString('latin1').slice(0, 9))}`,
            'err_jws_signature_verification_failed',
        ],
        ['two parts', `${head}.${body}`, 'not_compact'],
        ['five parts', `${good}.x.y`, 'not_compact'],
        ['padding after the signature', `${good}==`, 'not_compact'],
        ['spare bits in the signature', `${good.slice(0, -1)}${nextChar(good.at(-1) ?? '')}`, 'not_compact'],
        ['white space around', ` ${good}\n`, 'not_compact'],
        ['standard base64', good.replace(/^./, '+'), 'not_compact'],
        ['payload no JSON', hs256('{'), 'err_jwt_invalid'],
        ['payload a list', hs256([CLAIMS]), 'err_jwt_invalid'],
        ['no exp', hs256({ sub: '42' }), 'claim_exp'],
        ['exp null', hs256({ sub: '42', exp: null }), 'claim_exp'],
        ['exp a string', hs256({ sub: '42', exp: String(NOW + 600) }), 'claim_exp'],
        ['exp negative', hs256({ sub: '42', exp: -1 }), 'err_jwt_expired'],
        ['exp 1e400', hs256('{"sub":"42","exp":1e400}'), 'expiry'],
        ['exp beyond year 9999', hs256({ sub: '42', exp: 253_402_300_800 }), 'expiry'],
        ['exp in milliseconds', hs256({ sub: '42', exp: Date.now() + 600_000 }), 'expiry'],
        ['expired', hs256({ sub: '42', exp: NOW - 1 }), 'err_jwt_expired'],
        ['not yet valid', hs256({ ...CLAIMS, nbf: NOW + 600 }), 'claim_nbf'],
        ['nbf a string', hs256({ ...CLAIMS, nbf: 'now' }), 'claim_nbf'],
        ['no sub', hs256({ exp: NOW + 600 }), 'claim_sub'],
        ['sub empty', hs256({ ...CLAIMS, sub: '' }), 'subject'],
        ['sub a number', hs256({ ...CLAIMS, sub: 42 }), 'subject'],
        ['sub an object', hs256({ ...CLAIMS, sub: { toString: 1 } }), 'subject'],
        ['sub of other characters', hs256({ ...CLAIMS, sub: "4'2" }), 'subject'],
        ['sub too long', hs256({ ...CLAIMS, sub: 'x'.repeat(129) }), 'subject'],
    ])('refuses %s, always alike', async (_, token, reason) => {
        expect(await refusalOf(SHARED, token)).toBe(reason);
    });

    test('accepts an expiry in year 9999', async () => {
        const { expiresAtMs } = await createVerifier(SHARED).verify(hs256({ sub: '42', exp: 253_402_300_799 }));
        expect(new Date(expiresAtMs).toISOString()).toBe('9999-12-31T23:59:59.000Z');
    });

    test.each([
        ['wrong iss', { iss: 'b', aud: 'x' }, 'claim_iss'],
        ['no iss', { aud: 'x' }, 'claim_iss'],
        ['wrong aud', { iss: 'a', aud: 'y' }, 'claim_aud'],
        ['no aud', { iss: 'a' }, 'claim_aud'],
    ])('refuses %s where both are asked for', async (_, claims, reason) => {
        const settings = { ...SHARED, issuer: 'a', audience: 'x' };
        expect(await refusalOf(settings, hs256({ ...CLAIMS, ...claims }))).toBe(reason);
        await createVerifier(settings).verify(hs256({ ...CLAIMS, iss: 'a', aud: ['y', 'x'] }));
    });

    test('a secret that is too short, or none, is misuse', () => {
        expect(() => createVerifier({ ...SHARED, secret: 'short' })).toThrow(
            new TypeError('expected secret to be at least 32 bytes, got 5'),
        );
        expect(() => createVerifier({ ...SHARED, secret: null })).toThrow(TypeError);
    });
});

describe('signToken', () => {
    test('makes what the verifier accepts', async () => {
        const token = await signToken(SECRET, '42', 60_000, { issuer: 'a', audience: 'x' });
        const { userId, expiresAtMs } = await createVerifier({ ...SHARED, issuer: 'a', audience: 'x' }).verify(token);
        expect(userId).toBe('42');
        expect(Math.abs(expiresAtMs - Date.now() - 60_000)).toBeLessThan(2000);
    });

    test('refuses a user id that could not be one', async () => {
        await expect(signToken(SECRET, 'a b', 1000)).rejects.toThrow(TypeError);
    });
});

describe('a remote key set', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pairs: Record<string, { publicKey: KeyObject; privateKey: KeyObject }> = {
        RS256: rsa,
        PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
        ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
        EdDSA: generateKeyPairSync('ed25519'),
        ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    };
    let server: Server;
    let settings: VerifierSettings;
    let fetches = 0;
    let status = 200;

    beforeAll(async () => {
        const keys = await Promise.all(
            Object.entries(pairs).map(async ([alg, { publicKey }]) => ({
                ...(await exportJWK(publicKey)),
                kid: alg,
                alg,
            })),
        );
        server = createServer((_, res) => {
            fetches += 1;
            res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const { port } = server.address() as AddressInfo;
        settings = { secret: SECRET, jwksUrl: `http://127.0.0.1:${port}/keys`, issuer: 'idp', audience: 'tidings' };
    });
    afterAll(() => server.close());

    async function sign(alg: string, kid: string = alg, key = pairs[alg]?.privateKey): Promise<string> {
        const token = new SignJWT({})
            .setProtectedHeader({ alg, kid })
            .setSubject('42')
            .setIssuer('idp')
            .setAudience('tidings');
        return await token.setExpirationTime('10m').sign(key ?? SECRET_KEY);
    }

    test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('accepts %s', async (alg) => {
        const verifier = createVerifier(settings);
        expect((await verifier.verify(await sign(alg))).userId).toBe('42');
    });

    test('fetches the keys once for many tokens', async () => {
        const verifier = createVerifier(settings);
        const before = fetches;
        for (const alg of ['RS256', 'ES256', 'EdDSA', 'RS256']) await verifier.verify(await sign(alg));
        expect(fetches - before).toBe(1);
    });

    test('refuses HS256, whatever it is signed with', async () => {
        const claims = { ...CLAIMS, iss: 'idp', aud: 'tidings' };
        const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
        const der = rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('latin1');
        for (const key of [SECRET, pem, der]) {
            expect(await refusalOf(settings, hs256(claims, { alg: 'HS256', kid: 'RS256' }, key))).toBe('algorithm');
        }
    });

    test('refuses an algorithm that is not pinned, a key of another kind, an unknown key', async () => {
        expect(await refusalOf(settings, await sign('ES384'))).toBe('algorithm');
        expect(await refusalOf(settings, await sign('ES256', 'RS256'))).toBe('err_jwks_no_matching_key');
        expect(await refusalOf(settings, await sign('RS256', 'nobody'))).toBe('err_jwks_no_matching_key');
        const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
        const forged = await sign('RS256', 'RS256', stranger);
        expect(await refusalOf(settings, forged)).toBe('err_jws_signature_verification_failed');
    });

    test('unknown keys do not make it fetch again and again', async () => {
        const verifier = createVerifier(settings);
        await verifier.verify(await sign('RS256'));
        const before = fetches;
        for (let n = 0; n < 20; n += 1) await verifier.verify(await sign('RS256', `kid${n}`)).catch(() => undefined);
        expect(fetches - before).toBeLessThanOrEqual(1);
    });

    test('keys that can not be fetched are unavailable, not unauthorized', async () => {
        const token = await sign('RS256');
        status = 503;
        await expect(createVerifier(settings).verify(token)).rejects.toMatchObject({ code: 'unavailable' });
        status = 200;
        const nowhere = { ...settings, jwksUrl: 'http://127.0.0.1:1/keys' };
        await expect(createVerifier(nowhere).verify(token)).rejects.toMatchObject({ code: 'unavailable' });
    });
});

const SECRET_KEY = new TextEncoder().encode(SECRET);

/** Another last character that decodes to the same bytes: the last of 43 carries 4 bits that count. */
function nextChar(char: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const index = alphabet.indexOf(char);
    return alphabet[(index & ~3) | ((index + 1) & 3)] ?? '';
}

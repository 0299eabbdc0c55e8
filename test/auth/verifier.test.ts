import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVerifier, reasonOf, signToken, type VerifierSettings } from '../../src/auth/index.ts';
import { TidingsError } from '../../src/errors.ts';
import { badTokens, CLAIMS, foreignTokens, forgedSharedTokens, hs256, type Sign } from '../support/tokens.ts';

const SECRET = 'a secret of at least thirty-two bytes';
const SHARED: VerifierSettings = { secret: SECRET, jwksUrl: null, issuer: null, audience: null };

const sign: Sign = (payload, header = { alg: 'HS256' }) => hs256(payload, header, SECRET);
const RECIPE = { sign, header: { alg: 'HS256' }, claims: CLAIMS };

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
        ['the shortest token', sign(CLAIMS), '42'],
        ['typ JWT', sign(CLAIMS, { alg: 'HS256', typ: 'JWT' }), '42'],
        ['typ at+jwt', sign(CLAIMS, { alg: 'HS256', typ: 'at+JWT', kid: '1' }), '42'],
        ['a foreign id', sign({ ...CLAIMS, sub: 'auth0|42' }), 'auth0|42'],
        ['an expiry with a fraction', sign({ ...CLAIMS, exp: CLAIMS.exp + 0.5 }), '42'],
    ])('accepts %s', async (_, token, userId) => {
        const identity = await createVerifier(SHARED).verify(token);
        expect(identity.userId).toBe(userId);
        expect(Math.abs(identity.expiresAtMs - CLAIMS.exp * 1000)).toBeLessThanOrEqual(500);
    });

    test.each([...badTokens(RECIPE, 'http://127.0.0.1:1/'), ...forgedSharedTokens(SECRET)])(
        'refuses %s, always alike',
        async (_, token, reason) => {
            expect(await refusalOf(SHARED, token)).toBe(reason);
        },
    );

    test('accepts an expiry in year 9999', async () => {
        const { expiresAtMs } = await createVerifier(SHARED).verify(sign({ sub: '42', exp: 253_402_300_799 }));
        expect(new Date(expiresAtMs).toISOString()).toBe('9999-12-31T23:59:59.000Z');
    });

    test.each(foreignTokens(sign))('refuses %s where both are asked for', async (_, token, reason) => {
        const settings = { ...SHARED, issuer: 'idp', audience: 'tidings' };
        expect(await refusalOf(settings, token)).toBe(reason);
        await createVerifier(settings).verify(sign({ ...CLAIMS, iss: 'idp', aud: ['y', 'tidings'] }));
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

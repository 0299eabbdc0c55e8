import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { createVerifier, reasonOf } from '../../src/auth/index.ts';
import type { Observation } from '../../src/observe.ts';
import {
    type IdentityProvider,
    type IdpKey,
    jwkOf,
    rsaKey,
    startIdentityProvider,
    tokenOf,
} from '../support/identity-provider.ts';
import { hs256, ISSUED } from '../support/tokens.ts';

const TIMES = { freshMs: 600_000, staleMs: 3_600_000, coolDownMs: 30_000, retryMs: 1_000 };
const MINUTE = 60_000;

const [old, young] = [rsaKey('old'), rsaKey('young')];
const providers: IdentityProvider[] = [];
afterEach(async () => {
    await Promise.all(providers.splice(0).map((provider) => provider.stop()));
});

/** A verifier over a provider of these keys, with a clock that is set by hand. */
async function verifierOf(...keys: readonly IdpKey[]) {
    const idp = await startIdentityProvider(keys.map(jwkOf));
    providers.push(idp);
    const observed: Observation[] = [];
    let [nowMs, timeoutMs] = [0, 10_000];
    const settings = { secret: null, jwksUrl: idp.url, issuer: ISSUED.iss, audience: ISSUED.aud };
    const times = {
        ...TIMES,
        get timeoutMs() {
            return timeoutMs;
        },
    };
    const ports = { times, nowMs: () => nowMs, observe: (seen: Observation) => void observed.push(seen) };
    const verifier = createVerifier(settings, ports);

    /** The user of a token, or why there is none. */
    async function outcomeOf(token: string): Promise<string> {
        return await verifier.verify(token).then(
            ({ userId }) => userId,
            (error: { code: string }) => (error.code === 'unauthorized' ? reasonOf(error) : error.code),
        );
    }

    return {
        idp,
        observed,
        outcomeOf,
        at(ms: number) {
            nowMs = ms;
        },
        /** The keys come, or they come so that nobody waits for the end. */
        answerBy(answer: Parameters<IdentityProvider['answerBy']>[0]) {
            timeoutMs = answer === null ? 10_000 : 300;
            idp.answerBy(answer);
        },
    };
}

const UNKNOWN = 'err_jwks_no_matching_key';

describe('rotation', () => {
    test('a new key is accepted once the cool-down is over', async () => {
        const { at, idp, outcomeOf } = await verifierOf(old);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        idp.publish([old, young].map(jwkOf));
        at(TIMES.coolDownMs - 1);
        expect(await outcomeOf(tokenOf(young))).toBe(UNKNOWN);
        at(TIMES.coolDownMs);
        expect(await outcomeOf(tokenOf(young))).toBe('42');
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        expect(idp.requests()).toBe(2);
    });

    test('a key that was withdrawn is refused once the keys are no longer fresh', async () => {
        const { at, idp, outcomeOf } = await verifierOf(old, young);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        idp.publish([jwkOf(young)]);
        at(TIMES.freshMs - 1);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        at(TIMES.freshMs);
        expect(await outcomeOf(tokenOf(old))).toBe(UNKNOWN);
        expect(await outcomeOf(tokenOf(young))).toBe('42');
        expect(idp.requests()).toBe(2);
    });

    test('a failure that has passed while the keys were fresh keeps no withdrawn key alive', async () => {
        const { at, idp, outcomeOf } = await verifierOf(old, young);
        await outcomeOf(tokenOf(old));
        at(MINUTE);
        idp.answerBy((res) => res.writeHead(500).end());
        expect(await outcomeOf(tokenOf(rsaKey('unknown')))).toBe('unavailable');
        idp.answerBy(null);
        idp.publish([jwkOf(young)]);
        at(TIMES.freshMs);
        expect(await outcomeOf(tokenOf(old))).toBe(UNKNOWN);
    });
});

describe('requests', () => {
    test('a thousand tokens of unknown keys cost one in each cool-down', async () => {
        const { at, idp, outcomeOf } = await verifierOf(old);
        await outcomeOf(tokenOf(old));
        for (const round of [1, 2]) {
            at(round * TIMES.coolDownMs);
            const tokens = Array.from({ length: 1000 }, (_, n) => tokenOf({ ...old, kid: `${round} ${n}` }));
            expect(new Set(await Promise.all(tokens.map(outcomeOf)))).toEqual(new Set([UNKNOWN]));
            expect(idp.requests()).toBe(1 + round);
        }
    });

    test('a thousand tokens while nothing can be had cost one in each pause', async () => {
        const { at, idp, outcomeOf, observed } = await verifierOf(old);
        idp.answerBy((res) => res.writeHead(503).end());
        for (const round of [1, 2]) {
            at(round * TIMES.retryMs);
            for (let n = 0; n < 500; n += 1) expect(await outcomeOf(tokenOf(old))).toBe('unavailable');
            expect(idp.requests()).toBe(round);
        }
        expect(observed).toHaveLength(2);
        expect(observed[0]).toMatchObject({ type: 'service.failed', service: 'key set' });
        idp.answerBy(null);
        at(3 * TIMES.retryMs);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
    });
});

describe('an outage', () => {
    test('is outlived by the keys for an hour, keeps nobody waiting, and ends by itself', async () => {
        const { answerBy, at, idp, outcomeOf, observed } = await verifierOf(old);
        await outcomeOf(tokenOf(old));
        const hanging: unknown[] = [];
        answerBy((res) => void hanging.push(res));
        at(TIMES.freshMs);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        expect([idp.requests(), observed.length]).toEqual([2, 1]);
        // Known by now: the next request is under way while its token is let in.
        at(TIMES.freshMs + TIMES.retryMs);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        expect(observed).toHaveLength(1);
        expect(await outcomeOf(tokenOf(young))).toBe('unavailable');
        at(TIMES.staleMs - 1);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
        at(TIMES.staleMs + TIMES.retryMs);
        expect(await outcomeOf(tokenOf(old))).toBe('unavailable');
        answerBy(null);
        at(TIMES.staleMs + 2 * TIMES.retryMs);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
    });

    test('of a moment changes nothing for whom it did not ask', async () => {
        const { answerBy, at, outcomeOf } = await verifierOf(old);
        await outcomeOf(tokenOf(old));
        answerBy((res) => res.destroy());
        at(MINUTE);
        expect(await outcomeOf(tokenOf(young))).toBe('unavailable');
        expect(await outcomeOf(tokenOf(old))).toBe('42');
    });
});

describe('an answer that is no key set', () => {
    test.each([
        ['hangs before its head', () => undefined, 'timeout'],
        ['hangs in its body', (res) => void res.writeHead(200).write('{"keys":'), 'timeout'],
        ['is huge', (res) => void res.end(`{"keys":[],"x":"${'x'.repeat(10_000_000)}"}`), 'more than 1048576 bytes'],
        ['is garbage', (res) => void res.end('<html>'), 'JSON'],
        ['is null', (res) => void res.end('null'), 'malformed'],
        ['has no list of keys', (res) => void res.end('{"keys":{}}'), 'malformed'],
        ['is an error', (res) => void res.writeHead(500).end('{"keys":[]}'), 'status 500'],
        ['has no content', (res) => void res.writeHead(204).end(), 'status 204'],
        [
            'breaks off',
            (res) => void res.writeHead(200, { 'content-length': '99' }).write('{', () => res.destroy()),
            '',
        ],
    ] satisfies [string, Parameters<IdentityProvider['answerBy']>[0], string][])(
        'because it %s says nothing about the token',
        async (_, answer, message) => {
            const { answerBy, at, outcomeOf, observed } = await verifierOf(old);
            answerBy(answer);
            expect(await outcomeOf(tokenOf(old))).toBe('unavailable');
            expect(observed).toMatchObject([{ type: 'service.failed', service: 'key set' }]);
            expect(String((observed[0] as { error?: unknown }).error)).toContain(message);
            answerBy(null);
            at(TIMES.retryMs);
            expect(await outcomeOf(tokenOf(old))).toBe('42');
        },
    );

    test('a redirect is not followed', async () => {
        const { answerBy, outcomeOf } = await verifierOf(old);
        const elsewhere = await startIdentityProvider([jwkOf(old)]);
        providers.push(elsewhere);
        for (const status of [301, 302, 303, 307, 308]) {
            answerBy((res) => res.writeHead(status, { location: elsewhere.url }).end());
            expect(await outcomeOf(tokenOf(old))).toBe('unavailable');
        }
        expect(elsewhere.requests()).toBe(0);
    });
});

describe('a key set with other keys in it', () => {
    const secret = 'a secret that was published, of 32 bytes and more';
    const oct = { kty: 'oct', k: Buffer.from(secret).toString('base64url') };

    test.each([
        [
            'HS256 by a symmetric key',
            { ...oct, kid: 'x' },
            hs256(ISSUED, { alg: 'HS256', kid: 'x' }, secret),
            'algorithm',
        ],
        [
            'HS256 by one for RS256',
            { ...oct, kid: 'x', alg: 'RS256' },
            hs256(ISSUED, { alg: 'HS256', kid: 'x' }, secret),
            'algorithm',
        ],
        [
            'RS256 by a symmetric key',
            { ...oct, kid: 'x', alg: 'RS256' },
            hs256(ISSUED, { alg: 'RS256', kid: 'x' }, secret),
            UNKNOWN,
        ],
        ['a key for encryption', { ...jwkOf(young), use: 'enc' }, tokenOf(young), UNKNOWN],
        ['a key for other operations', { ...jwkOf(young), key_ops: ['encrypt'] }, tokenOf(young), UNKNOWN],
        ['a key of another algorithm', { ...jwkOf(young), alg: 'RS512' }, tokenOf(young), UNKNOWN],
        [
            'a private key',
            { ...young.privateKey.export({ format: 'jwk' }), kid: 'young', alg: 'RS256' },
            tokenOf(young),
            'unavailable',
        ],
        ['a key that is broken', { ...jwkOf(young), n: '!' }, tokenOf(young), 'unavailable'],
        ['a key too short', shortKey(), tokenOf(young), 'unavailable'],
    ])('lets no token in by %s, and those of good keys', async (_, jwk, token, outcome) => {
        const { idp, outcomeOf } = await verifierOf();
        idp.publish([jwkOf(old), jwk]);
        expect(await outcomeOf(token)).toBe(outcome);
        expect(await outcomeOf(tokenOf(old))).toBe('42');
    });
});

/** Half as long as RS256 asks for. */
function shortKey() {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    return jwkOf({ kid: 'young', publicKey, privateKey });
}

/** Where the keys come from that tokens are checked with: one shared secret, or a remote key set. */

import { createRemoteJWKSet, type JWTVerifyGetKey, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose';

/** Checks signature and registered claims; rejects with jose's error. */
export type KeySource = {
    readonly algorithms: readonly string[];
    check(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult>;
};

/** HS256 with one secret of at least 32 bytes. */
export function sharedSecret(secret: string): KeySource {
    const key = new TextEncoder().encode(secret);
    if (key.byteLength < 32) throw new TypeError(`expected secret to be at least 32 bytes, got ${key.byteLength}`);
    return { algorithms: ['HS256'], check: (token, options) => jwtVerify(token, key, options) };
}

/**
 * A JWKS at a URL. Fetched when first needed and when a key id is not known, at most every 30 s; an answer is kept for
 * ten minutes.
 */
export function remoteKeySet(url: string): KeySource {
    const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(url), {
        timeoutDuration: 3000,
        cooldownDuration: 30_000,
        cacheMaxAge: 600_000,
    });
    return {
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        check: (token, options) => jwtVerify(token, keys, options),
    };
}

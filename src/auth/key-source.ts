/** Where the keys come from that tokens are checked with: one shared secret, or a remote key set. */

import { type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose';
import { KEY_SET_TIMES, KeySet, type KeySetPorts } from './key-set.ts';

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

/** A JWKS at a URL, kept as `KeySet` says. */
export function remoteKeySet(url: string, ports: Partial<KeySetPorts> = {}): KeySource {
    const defaults = { observe: () => undefined, times: KEY_SET_TIMES, nowMs: () => performance.now() };
    const keys = new KeySet(url, { ...defaults, ...ports });
    return {
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        check: (token, options) => jwtVerify(token, keys.find, options),
    };
}

/** Tokens to users: the one place where a token is believed. */

import { errors } from 'jose';
import { TidingsError } from '../errors.ts';
import { type Identity, identityOf } from './claims.ts';
import type { KeySetPorts } from './key-set.ts';
import { type KeySource, remoteKeySet, sharedSecret } from './key-source.ts';
import { KnownTokens } from './known-tokens.ts';
import { formFault } from './token-form.ts';

/** How tokens are checked. With `jwksUrl`, HS256 is refused whatever `secret` is. */
export type VerifierSettings = {
    readonly secret: string | null;
    readonly jwksUrl: string | null;
    readonly issuer: string | null;
    readonly audience: string | null;
};

/** Turns a token into the user it speaks for. */
export type Verifier = {
    /**
     * @throws TidingsError `unauthorized`, always with the same message; `unavailable` if the key set can't be fetched,
     * which says nothing about the token.
     */
    verify(token: string): Promise<Identity>;
};

/** The one message for every token that is not accepted: which check failed is nobody's business. */
export const UNAUTHORIZED_MESSAGE = 'expected a valid, unexpired token';

/** Why a token was refused, for logs and metrics only: the cause of an `unauthorized` error. */
class TokenFault extends Error {
    override readonly name = 'TokenFault';
}

/** The refusal of a token, or of a missing one. `reason` goes no further than our own logs. */
export function refusal(reason: string): TidingsError {
    return new TidingsError('unauthorized', UNAUTHORIZED_MESSAGE, { cause: new TokenFault(reason) });
}

/** The reason in a {@link refusal}, for an observation. */
export function reasonOf(error: unknown): string {
    return error instanceof TidingsError && error.cause instanceof TokenFault ? error.cause.message : 'failed';
}

/** Makes a verifier. Pins algorithms to those of its key source; `keySet` is for how a remote one is kept. */
export function createVerifier(settings: VerifierSettings, keySet: Partial<KeySetPorts> = {}): Verifier {
    const source = sourceOf(settings, keySet);
    const known = new KnownTokens(keySet.nowMs ?? (() => performance.now()));
    const options = {
        algorithms: [...source.algorithms],
        requiredClaims: ['exp', 'sub'],
        ...(settings.issuer === null ? {} : { issuer: settings.issuer }),
        ...(settings.audience === null ? {} : { audience: settings.audience }),
    };

    async function verify(token: string): Promise<Identity> {
        const fault = formFault(token, source.algorithms);
        if (fault !== null) throw refusal(fault);
        const seen = known.find(token);
        if (seen !== null) return seen;
        const { payload } = await source.check(token, options).catch(rethrow);
        const identity = identityOf(payload);
        if (typeof identity === 'string') throw refusal(identity);
        known.add(token, identity);
        return identity;
    }

    return { verify };
}

function sourceOf({ secret, jwksUrl }: VerifierSettings, keySet: Partial<KeySetPorts>): KeySource {
    if (jwksUrl !== null) return remoteKeySet(jwksUrl, keySet);
    if (secret === null) throw new TypeError('expected secret or jwksUrl to be set, got neither');
    return sharedSecret(secret);
}

/** jose's errors about a token become one refusal; those about keys do not blame the token. */
function rethrow(error: unknown): never {
    if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSInvalid) {
        const message = 'expected the key set to be reachable, got no usable answer';
        throw new TidingsError('unavailable', message, { cause: error, retryAfterMs: 1000 });
    }
    throw refusal(error instanceof errors.JWTClaimValidationFailed ? `claim_${error.claim}` : error.code.toLowerCase());
}

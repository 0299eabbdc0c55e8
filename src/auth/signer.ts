/** Makes tokens for `tidings token` and the development login. Production tokens come from your identity provider. */

import { SignJWT } from 'jose';
import { ID_PATTERN } from '../event.ts';

/** Claims a verifier with an issuer or an audience asks for. */
export type SignOptions = { readonly issuer?: string | null; readonly audience?: string | null };

/** An HS256 token for `userId` that expires in `ttlMs`. */
export async function signToken(
    secret: string,
    userId: string,
    ttlMs: number,
    { issuer = null, audience = null }: SignOptions = {},
): Promise<string> {
    if (!ID_PATTERN.test(userId))
        throw new TypeError(`expected userId to match ${ID_PATTERN}, got ${JSON.stringify(userId)}`);
    const nowSeconds = Math.floor(Date.now() / 1000);
    const token = new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuedAt(nowSeconds)
        .setExpirationTime(Math.floor((Date.now() + ttlMs) / 1000));
    if (issuer !== null) token.setIssuer(issuer);
    if (audience !== null) token.setAudience(audience);
    return await token.sign(new TextEncoder().encode(secret));
}

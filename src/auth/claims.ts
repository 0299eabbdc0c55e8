/** What a verified token must claim, and the user that makes. */

import type { JWTPayload } from 'jose';
import { ID_PATTERN } from '../event.ts';

/** Who a token speaks for, and until when. */
export type Identity = { readonly userId: string; readonly expiresAtMs: number };

/** The end of year 9999: later times have no ISO form of four digits. */
const LAST_SECOND = 253_402_300_799;

/** The identity in the claims, or a short reason why there is none. */
export function identityOf(claims: JWTPayload): Identity | string {
    const { sub, exp } = claims;
    if (typeof sub !== 'string' || !ID_PATTERN.test(sub)) return 'subject';
    if (typeof exp !== 'number' || !(exp > 0 && exp <= LAST_SECOND)) return 'expiry';
    return { userId: sub, expiresAtMs: Math.floor(exp * 1000) };
}

/**
 * Links by which a reader ends mails without logging in: a token that names user and scope, signed with a key of its own.
 *
 * Token: base64url of version (1 byte), MAC (16 bytes, of HMAC-SHA-256 over what is beside it), length of the user's id
 * (1 byte), user's id, scope. It never expires, as a mail is kept for years.
 */

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { ID_PATTERN } from '../event.ts';
import { below } from './link.ts';

/** Whose mails end, and which: those of a notification type, or `*`, all. */
export type Unsubscription = { readonly userId: string; readonly scope: string };

export type Unsubscribe = {
    /** Where a reader ends them. */
    url(publicUrl: string, unsubscription: Unsubscription): string;
    /** What a token stands for; null if it is not one of ours. */
    verify(token: string): Unsubscription | null;
};

const VERSION = 1;
const MAC_BYTES = 16;
const HEAD_BYTES = 1 + MAC_BYTES + 1;
const LONGEST_TOKEN = 400;
const SCOPE_PATTERN = /^(\*|(?!tidings\.)[a-z][a-z0-9_.-]{0,127})$/;

/** Makes and checks links. `secret` may serve elsewhere too: the key is derived from it. */
export function createUnsubscribe(secret: string | Uint8Array): Unsubscribe {
    const key = Buffer.from(hkdfSync('sha256', secret, '', 'tidings unsubscribe', 32));

    function macOf(named: Buffer): Buffer {
        return createHmac('sha256', key).update(Buffer.of(VERSION)).update(named).digest().subarray(0, MAC_BYTES);
    }

    return {
        url(publicUrl, { userId, scope }) {
            if (!isSound(userId, scope)) {
                throw new TypeError(
                    `expected a user id and a notification type or *, got ${JSON.stringify([userId, scope])}`,
                );
            }
            const named = Buffer.concat([Buffer.of(userId.length), Buffer.from(userId + scope, 'latin1')]);
            const token = Buffer.concat([Buffer.of(VERSION), macOf(named), named]).toString('base64url');
            return below(publicUrl, `unsubscribe?token=${token}`);
        },
        verify(token) {
            if (token.length > LONGEST_TOKEN) return null;
            const bytes = Buffer.from(token, 'base64url');
            // One spelling only: decoding overlooks what is no base64url.
            if (bytes.length < HEAD_BYTES || bytes[0] !== VERSION || bytes.toString('base64url') !== token) return null;
            const named = bytes.subarray(1 + MAC_BYTES);
            if (!timingSafeEqual(macOf(named), bytes.subarray(1, 1 + MAC_BYTES))) return null;
            const end = 1 + (named[0] ?? 0);
            const [userId, scope] = [named.toString('latin1', 1, end), named.toString('latin1', end)];
            return isSound(userId, scope) ? { userId, scope } : null;
        },
    };
}

function isSound(userId: string, scope: string): boolean {
    return ID_PATTERN.test(userId) && SCOPE_PATTERN.test(scope);
}

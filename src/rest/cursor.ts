/** Page cursors: opaque, tamper-evident, and good for one list only. */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { TidingsError } from '../errors.ts';

/** Seals and opens cursors. */
export type Cursors = {
    /** A cursor that stands for `key` in the list `scope` (the list with its filters and, if it is personal, its reader). */
    seal(scope: readonly string[], key: readonly string[]): string;
    /** @throws TidingsError `bad_request` for anything that `seal` did not make for this very `scope`. */
    open(scope: readonly string[], cursor: string): readonly string[];
};

const MAC_BYTES = 16;
const MAX_CURSOR_CHARS = 1024;

/** Cursors sealed with HMAC-SHA256 under `key`; servers that share a list share the key. */
export function createCursors(key: string | Uint8Array): Cursors {
    if (key.length < 16) throw new TypeError(`expected the cursor key to have at least 16 bytes, got ${key.length}`);

    function macOf(scope: readonly string[], payload: string): Buffer {
        const mac = createHmac('sha256', key)
            .update(JSON.stringify(['tidings cursor', scope, payload]))
            .digest();
        return mac.subarray(0, MAC_BYTES);
    }

    return {
        seal(scope, values) {
            const payload = Buffer.from(JSON.stringify(values)).toString('base64url');
            return `${payload}.${macOf(scope, payload).toString('base64url')}`;
        },
        open(scope, cursor) {
            const [payload, mac, more] = cursor.slice(0, MAX_CURSOR_CHARS).split('.');
            if (payload === undefined || mac === undefined || more !== undefined) throw refusal();
            const given = Buffer.from(mac, 'base64url');
            const expected = macOf(scope, payload);
            // Compared as text too: base64url has more than one spelling of the same bytes.
            const same = given.length === expected.length && timingSafeEqual(given, expected);
            if (!same || expected.toString('base64url') !== mac) throw refusal();
            return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as string[];
        },
    };
}

function refusal(): TidingsError {
    const message = 'expected cursor to be the nextCursor of this list with these filters';
    return new TidingsError('bad_request', message, { issues: [{ path: 'query.cursor', message }] });
}

/** One request for a key set: bounded in time and size, to that URL and no other. */

import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { messageOf } from '../errors.ts';

/** Real sets have a few kB; what is longer is none. */
const MOST_BYTES = 1_048_576;
const HEADERS = { accept: 'application/json, application/jwk-set+json' };

/**
 * The keys at `url`, to be found by a token's header. Redirects are not followed: keys come from the place that was
 * named or not at all.
 *
 * @throws Error that says what came instead
 */
export async function fetchKeySet(url: string, timeoutMs: number): Promise<JWTVerifyGetKey> {
    try {
        const signal = AbortSignal.timeout(timeoutMs);
        const response = await fetch(url, { headers: HEADERS, redirect: 'manual', signal });
        if (response.status !== 200) {
            await response.body?.cancel();
            throw new Error(`status ${response.status}`);
        }
        // Whatever it is, jose looks at its shape.
        return createLocalJWKSet(JSON.parse(await textOf(response)) as JSONWebKeySet);
    } catch (cause) {
        const { cause: deeper } = cause instanceof Error ? cause : {};
        const got = messageOf(deeper instanceof Error ? deeper : cause);
        throw new Error(`expected a key set within ${timeoutMs} ms, got: ${got}`, { cause });
    }
}

async function textOf({ body }: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body ?? []) {
        size += chunk.byteLength;
        // Leaving the loop ends the transfer.
        if (size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}

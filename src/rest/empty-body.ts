/** Requests that need no body: unknown fields are refused there too. */

import { TidingsError } from '../errors.ts';
import type { RestContext } from './api.ts';

/** @throws TidingsError `bad_request` unless the body is absent or an empty JSON object. */
export async function emptyBody(c: RestContext): Promise<void> {
    const body = await c.req.text();
    if (/^\s*(\{\s*\})?\s*$/.test(body)) return;
    const message = 'expected no body, or an empty object';
    throw new TidingsError('bad_request', message, { issues: [{ path: 'body', message }] });
}

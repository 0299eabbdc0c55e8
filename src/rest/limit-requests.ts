/** Limits of requests: per user, and per address for those who have not said who they are. */

import type { MiddlewareHandler } from 'hono';
import { TidingsError } from '../errors.ts';
import type { RestContext, RestEnv } from './api.ts';
import type { Allowance, RequestLimit } from './request-limit.ts';

/** Asked by machines that watch us, from one address, and told nothing. */
const UNLIMITED = new Set(['/healthz', '/readyz']);

/** Where nobody looks at a token. */
const OPEN = new Set(['/dev/login', '/openapi.json', '/unsubscribe']);

/** Counts requests that carry no token, before anything is done for them. Those that do are counted when it has been looked at. */
export function limitAddresses(limit: RequestLimit | null): MiddlewareHandler<RestEnv> {
    return async (c, next) => {
        c.set('limit', limit);
        const { method, path } = c.req;
        const carriesToken = c.req.header('authorization') !== undefined || c.req.query('token') !== undefined;
        const isCountedLater = carriesToken && !OPEN.has(path);
        if (!isCountedLater && method !== 'OPTIONS' && !UNLIMITED.has(path)) await countAddress(c);
        await next();
    };
}

/**
 * Counts a request of a user.
 *
 * @throws TidingsError `rate_limited` if it is one too many
 */
export function countUser(c: RestContext, userId: string): Promise<void> {
    return count(c, `user:${userId}`);
}

/**
 * Counts a request of somebody unknown, unless it has been: one that brought what might have been a token, and whose was
 * not looked at or no good.
 *
 * @throws TidingsError `rate_limited` if it is one too many
 */
export async function countAddress(c: RestContext): Promise<void> {
    if (c.var.allowance === undefined) await count(c, `address:${c.env.peer.address}`);
}

async function count(c: RestContext, key: string): Promise<void> {
    const allowance = await c.var.limit?.take(key);
    if (allowance === undefined) return;
    c.set('allowance', allowance);
    if (allowance.allowed) return;
    const { limit, perMs, resetMs } = allowance;
    c.var.observe({ type: 'request.limited', key });
    const message = `expected at most ${limit} requests in ${perMs} ms, got more`;
    throw new TidingsError('rate_limited', message, { retryAfterMs: Math.max(1, resetMs) });
}

/** The fields of draft-ietf-httpapi-ratelimit-headers, and those of its earlier versions that clients read. */
export function limitHeaders({ limit, remaining, resetMs, perMs }: Allowance): Readonly<Record<string, string>> {
    const [reset, window] = [String(Math.ceil(resetMs / 1000)), String(Math.ceil(perMs / 1000))];
    return {
        ratelimit: `"default";r=${remaining};t=${reset}`,
        'ratelimit-policy': `"default";q=${limit};w=${window}`,
        'ratelimit-limit': String(limit),
        'ratelimit-remaining': String(remaining),
        'ratelimit-reset': reset,
    };
}

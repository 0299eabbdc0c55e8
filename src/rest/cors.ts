/** Cross-origin access by allow-list. Tokens travel in a header, so credentials are never allowed. */

import type { MiddlewareHandler } from 'hono';
import type { RestEnv } from './api.ts';

const EXPOSED = [
    'Tidings-Position, X-Request-Id, Location, ETag, Retry-After',
    'RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset',
].join(', ');
const REQUEST_HEADERS =
    'Authorization, Content-Type, If-Match, Idempotency-Key, Last-Event-ID, X-Request-Id, traceparent';
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const PREFLIGHT_MAX_AGE_SECONDS = '600';

/** Puts CORS headers on answers to listed origins, compared to the letter; others get none and the browser refuses. */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<RestEnv> {
    const allowed = new Set(origins);
    return async (c, next) => {
        await next();
        const { headers } = c.res;
        if (allowed.size > 0) headers.append('vary', 'Origin');
        const origin = c.req.header('origin');
        if (origin === undefined || !allowed.has(origin)) return;
        headers.set('access-control-allow-origin', origin);
        headers.set('access-control-expose-headers', EXPOSED);
        if (c.req.method !== 'OPTIONS' || c.req.header('access-control-request-method') === undefined) return;
        headers.set('access-control-allow-methods', METHODS);
        headers.set('access-control-allow-headers', REQUEST_HEADERS);
        headers.set('access-control-max-age', PREFLIGHT_MAX_AGE_SECONDS);
    };
}

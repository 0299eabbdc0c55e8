/** What happens around every handler: context, body, headers, and one observation when all is done. */

import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import type { Observe } from '../observe.ts';
import type { RestEnv, TokenVerifier } from './api.ts';
import { hasBody } from './has-body.ts';
import { limitHeaders } from './limit-requests.ts';
import { contextOf } from './request-context.ts';

/** The outermost step. */
export function carryContext(verifier: TokenVerifier, observe: Observe): MiddlewareHandler<RestEnv> {
    return async (c, next) => {
        const startedAt = performance.now();
        const request = contextOf(c.req.raw.headers);
        c.set('request', request);
        c.set('verifier', verifier);
        c.set('observe', observe);
        await next();
        // Set on the answer there is: `c.header` would make another of it each time.
        const { headers } = c.res;
        headers.set('x-request-id', request.requestId);
        headers.set('traceparent', request.traceparent);
        if (c.var.allowance !== undefined) {
            for (const [name, value] of Object.entries(limitHeaders(c.var.allowance))) headers.set(name, value);
        }
        observe({
            type: 'http.answered',
            method: c.req.method,
            route: routePath(c, -1),
            status: c.res.status,
            tookMs: performance.now() - startedAt,
            requestId: request.requestId,
        });
    };
}

/**
 * Headers that keep browsers from guessing, framing and telling; a handler that serves a page has its own policy. TLS, and so
 * HSTS, is the business of whatever stands before us.
 */
export const secureAnswers: MiddlewareHandler<RestEnv> = secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    xFrameOptions: 'DENY',
    strictTransportSecurity: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xXssProtection: false,
    overwrite: false,
});

/**
 * Reads the body before a handler does, so that a fault of reading it (too large, cut off) is told as what it is. That of a
 * request which says who it is from is read when that has been looked at: what is refused costs no reading.
 */
export const readBody: MiddlewareHandler<RestEnv> = async (c, next) => {
    if (hasBody(c) && c.req.header('authorization') === undefined) await c.req.text();
    await next();
};

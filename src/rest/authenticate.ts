/** Bearer authentication of one request. */

import type { MiddlewareHandler } from 'hono';
import { reasonOf, refusal } from '../auth/index.ts';
import type { RestContext, RestEnv } from './api.ts';
import { hasBody } from './has-body.ts';
import { countAddress, countUser } from './limit-requests.ts';

const BEARER = /^Bearer +([^\s,]+)$/i;

/** The token in the `Authorization` header. */
export const authenticate: MiddlewareHandler<RestEnv> = authenticateBy((c) => bearerOf(c.req.header('authorization')));

/** The same, or else the token in the query, for clients that can send no header. */
export const authenticateByUrl: MiddlewareHandler<RestEnv> = authenticateBy(tokenOrQuery);

function tokenOrQuery(c: RestContext): string | undefined {
    const header = c.req.header('authorization');
    return header === undefined ? c.req.query('token') : bearerOf(header);
}

/** Lets a request pass with a token the verifier accepts; `userId` is then its `sub`. Every refusal is alike. */
function authenticateBy(tokenOf: (c: RestContext) => string | undefined): MiddlewareHandler<RestEnv> {
    return async (c, next) => {
        const token = tokenOf(c);
        try {
            if (token === undefined) throw refusal('missing');
            const { userId, expiresAtMs = Number.POSITIVE_INFINITY } = await c.var.verifier.verify(token);
            c.set('userId', userId);
            c.set('expiresAtMs', expiresAtMs);
        } catch (error) {
            const { address } = c.env.peer;
            c.var.observe({ type: 'auth.failed', where: 'rest', reason: reasonOf(error), address });
            await countAddress(c);
            throw error;
        }
        await countUser(c, c.var.userId);
        if (hasBody(c)) await c.req.text();
        await next();
        // Answers are of this user and this moment.
        if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
    };
}

/** The token of an `Authorization` header. */
export function bearerOf(header: string | undefined): string | undefined {
    return BEARER.exec(header ?? '')?.[1];
}

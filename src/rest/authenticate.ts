/** Bearer authentication of one request. */

import type { MiddlewareHandler } from 'hono';
import { reasonOf, refusal } from '../auth/index.ts';
import type { RestEnv } from './api.ts';

const BEARER = /^Bearer +([^\s,]+)$/i;

/** Lets a request pass with a token the verifier accepts; `userId` is then its `sub`. Every refusal is alike. */
export const authenticate: MiddlewareHandler<RestEnv> = async (c, next) => {
    try {
        const token = BEARER.exec(c.req.header('authorization') ?? '')?.[1];
        if (token === undefined) throw refusal('missing');
        c.set('userId', (await c.var.verifier.verify(token)).userId);
    } catch (error) {
        const { address } = c.env.peer;
        c.var.observe({ type: 'auth.failed', where: 'rest', reason: reasonOf(error), address });
        throw error;
    }
    await next();
    // Answers are of this user and this moment.
    c.header('cache-control', 'no-store');
};

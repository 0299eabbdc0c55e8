/**
 * `POST /dev/login`: a token for anyone who asks. Only where a signer is given, which configuration does on loopback, and
 * only by a name of this machine: a web page can have its own name point here, and to the browser we are its origin then.
 */

import { createRoute, z } from '@hono/zod-openapi';
import { isLoopback } from '../config.ts';
import { TidingsError } from '../errors.ts';
import { ID_PATTERN } from '../event.ts';
import type { RestApp } from './api.ts';
import { json, jsonBody, problem } from './guarded-route.ts';

/** Makes a token for a user. */
export type TokenSigner = (userId: string) => Promise<string>;

const loginRoute = createRoute({
    method: 'post',
    path: '/dev/login',
    tags: ['Development'],
    summary: 'A token for any user, on a development server',
    request: { body: jsonBody(z.strictObject({ userId: z.string().regex(ID_PATTERN, 'expected a user id') })) },
    responses: {
        200: json(z.object({ token: z.string() }), 'A token for that user.'),
        400: problem('Malformed input; `issues` says where.'),
        403: problem('Asked for by a name that is not of this machine.'),
    },
});

/** Registers the route. */
export function devLogin(app: RestApp, sign: TokenSigner): void {
    app.openapi(loginRoute, async (c) => {
        const { hostname } = new URL(c.req.url);
        if (!isLoopback(hostname)) {
            throw new TidingsError('forbidden', 'expected localhost or a loopback address as the Host');
        }
        const token = await sign(c.req.valid('json').userId);
        return c.json({ token }, 200, { 'cache-control': 'no-store' });
    });
}

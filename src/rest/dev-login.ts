/** `POST /dev/login`: a token for anyone who asks. Only where a signer is given, which configuration does on loopback. */

import { createRoute, z } from '@hono/zod-openapi';
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
    },
});

/** Registers the route. */
export function devLogin(app: RestApp, sign: TokenSigner): void {
    app.openapi(loginRoute, async (c) => {
        const token = await sign(c.req.valid('json').userId);
        return c.json({ token }, 200, { 'cache-control': 'no-store' });
    });
}

/** `/admin/*`: what an operator's own programs tell the server; there only with `ADMIN_TOKEN`, which they send as bearer. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { refusal } from '../auth/index.ts';
import type { Resource, RestEnv } from './api.ts';
import { bearerOf } from './authenticate.ts';
import { json, jsonBody, problem } from './guarded-route.ts';
import { countAddress } from './limit-requests.ts';

const MOST_BOUNCES = 1000;
const LONGEST_REASON = 500;
const LONGEST_ADDRESS = 320;

const bounce = z.strictObject({
    email: z
        .string()
        .max(LONGEST_ADDRESS)
        .regex(/^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u, 'expected an e-mail address')
        // It may grow, and one that is refused later would take all others along.
        .refine((email) => email.toLowerCase().length <= LONGEST_ADDRESS, 'expected an e-mail address'),
    type: z.enum(['permanent', 'transient', 'complaint']).default('permanent').openapi({
        description: '`transient` changes nothing: the mail server says so when it is tried again.',
    }),
    reason: z
        .string()
        .max(LONGEST_REASON)
        .refine((reason) => !reason.includes('\0'), 'expected no NUL')
        .optional()
        .openapi({ description: 'What the mail server said.' }),
});

/** Registers the routes, for who sends this token. */
export function adminResource(adminToken: string): Resource {
    const bouncesRoute = createRoute({
        method: 'post',
        path: '/admin/bounces',
        tags: ['Administration'],
        summary: 'Tell of mail that came back: its addresses are not written to any more',
        security: [{ admin: [] }],
        middleware: authenticateAdmin(adminToken),
        request: { body: jsonBody(z.strictObject({ bounces: z.array(bounce).min(1).max(MOST_BOUNCES) })) },
        responses: {
            200: json(
                z.object({
                    suppressed: z.int().openapi({ description: 'Addresses that were not suppressed before.' }),
                }),
                'They are noted.',
            ),
            400: problem('Malformed input; `issues` says where.'),
            401: problem('No token, or not that of administration.'),
            503: problem('A passing fault; try again after `Retry-After`.'),
        },
    });

    return (app, rest) => {
        app.openAPIRegistry.registerComponent('securitySchemes', 'admin', {
            type: 'http',
            scheme: 'bearer',
            description: 'ADMIN_TOKEN',
        });
        app.openapi(bouncesRoute, async (c) => {
            const lasting = c.req.valid('json').bounces.filter(({ type }) => type !== 'transient');
            // In order, so that two who tell of the same addresses don't wait for each other.
            const told = JSON.stringify(lasting.map(({ email, type, reason = type }) => [email.toLowerCase(), reason]));
            const suppressed = await rest.step(c, async (tx) => {
                const [row] = await tx<{ suppressed: number }[]>`
                    select count(*) filter (where tidings.suppress(b.address, b.reason))::integer as suppressed
                    from (
                        select distinct on (1) t.value ->> 0 as address, t.value ->> 1 as reason
                        from jsonb_array_elements(${told}::text::jsonb) t
                        order by 1
                    ) b`;
                return row?.suppressed ?? 0;
            });
            return c.json({ suppressed }, 200);
        });
    };
}

/** Compared by hash, so that neither its length nor how much of it is right can be told from the time it takes. */
function authenticateAdmin(adminToken: string): MiddlewareHandler<RestEnv> {
    const digest = digestOf(adminToken);
    return async (c, next) => {
        const token = bearerOf(c.req.header('authorization'));
        if (token === undefined || !timingSafeEqual(digestOf(token), digest)) {
            c.var.observe({ type: 'auth.failed', where: 'admin', reason: 'token', address: c.env.peer.address });
            await countAddress(c);
            throw refusal('missing');
        }
        await next();
        c.res.headers.set('cache-control', 'no-store');
    };
}

function digestOf(token: string): Buffer {
    return createHash('sha256').update(token).digest();
}

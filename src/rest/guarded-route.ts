/** Route definitions that need a token, with the answers all of them may give. */

import { createRoute, type RouteConfig } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { RestEnv } from './api.ts';
import { authenticate } from './authenticate.ts';
import { problemSchema } from './problem.ts';

/** One error answer, for the OpenAPI document. */
export function problem(description: string) {
    return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** A JSON answer, for the OpenAPI document. */
export function json<Schema>(schema: Schema, description: string) {
    return { description, content: { 'application/json': { schema } } };
}

/** A required JSON body. */
export function jsonBody<Schema>(schema: Schema) {
    return { required: true, content: { 'application/json': { schema } } };
}

/** A JSON body that may be left out. */
export function optionalBody<Schema>(schema: Schema) {
    return { required: false, content: { 'application/json': { schema } } };
}

/** Where a body may be left out, one of nothing is none, whatever type is said of it: many clients always name one. */
const authenticateBlank: MiddlewareHandler<RestEnv> = (c, next) =>
    authenticate(c, async () => {
        if ((await c.req.text()) === '') c.req.raw.headers.delete('content-type');
        await next();
    });

const COMMON = {
    400: problem('Malformed input; `issues` says where.'),
    401: problem('No token, or one that is not accepted.'),
    403: problem('Seen but not allowed, or a user nobody knows.'),
    404: problem('Not there, or not to be seen by you.'),
    503: problem('A passing fault; try again after `Retry-After`.'),
};

/** `createRoute` for a route that needs a bearer token. */
export function guardedRoute<Path extends string, Route extends Omit<RouteConfig, 'path'> & { path: Path }>(
    route: Route,
) {
    return createRoute({
        ...route,
        security: [{ bearer: [] }],
        middleware: route.request?.body?.required === false ? authenticateBlank : authenticate,
        responses: { ...COMMON, ...route.responses } as typeof COMMON & Route['responses'],
    });
}

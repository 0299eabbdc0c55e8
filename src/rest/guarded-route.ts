/** Route definitions that need a token, with the answers all of them may give. */

import { createRoute, type RouteConfig } from '@hono/zod-openapi';
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
        middleware: authenticate,
        responses: { ...COMMON, ...route.responses } as typeof COMMON & Route['responses'],
    });
}

/** What is answered where no handler matched: 404, 405 with `Allow`, or the answer to OPTIONS. */

import type { NotFoundHandler } from 'hono';
import { TidingsError } from '../errors.ts';
import type { RestApp, RestEnv } from './api.ts';
import { countAddress } from './limit-requests.ts';
import { problemResponse } from './problem.ts';

type Known = { readonly pattern: RegExp; readonly method: string };

/** The handler for unmatched requests. Looks at the app's routes as they are when the first such request comes. */
export function answerUnmatched(app: RestApp): NotFoundHandler<RestEnv> {
    let known: readonly Known[] | undefined;
    return async (c) => {
        if (c.req.method !== 'OPTIONS') await countAddress(c);
        known ??= knownRoutes(app);
        const allowed = allowedMethods(known, c.req.path);
        if (allowed === null) {
            const error = new TidingsError('not_found', `expected a path of this API, got ${c.req.path}`);
            return problemResponse(error, c.var.request.requestId);
        }
        if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: allowed } });
        const error = new TidingsError('method_not_allowed', `expected one of ${allowed}, got ${c.req.method}`);
        const response = problemResponse(error, c.var.request.requestId);
        response.headers.set('allow', allowed);
        return response;
    };
}

function knownRoutes(app: RestApp): readonly Known[] {
    return app.routes
        .filter(({ method }) => method !== 'ALL')
        .map(({ method, path }) => ({ method, pattern: patternOf(path) }));
}

function patternOf(path: string): RegExp {
    const source = path
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
        .join('/');
    return new RegExp(`^${source}$`);
}

function allowedMethods(known: readonly Known[], path: string): string | null {
    const methods = new Set(known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method));
    if (methods.size === 0) return null;
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods, 'OPTIONS'].sort().join(', ');
}

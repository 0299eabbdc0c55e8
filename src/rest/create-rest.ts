/** Puts the HTTP API together: engine routes, the resources given, and what surrounds them. */

import { OpenAPIHono } from '@hono/zod-openapi';
import type { Observe } from '../observe.ts';
import type { Peer, Resource, Rest, RestEnv, TokenVerifier } from './api.ts';
import { allowOrigins } from './cors.ts';
import { createCursors } from './cursor.ts';
import { devLogin, type TokenSigner } from './dev-login.ts';
import { healthRoutes, type ReadinessCheck } from './health.ts';
import { limitAddresses } from './limit-requests.ts';
import { answerUnmatched } from './methods.ts';
import { notifications } from './notifications.ts';
import { openApiRoute } from './openapi.ts';
import { carryContext, readBody, secureAnswers } from './pipeline.ts';
import { preferences } from './preferences.ts';
import { errorFor, problemResponse } from './problem.ts';
import type { RequestLimit } from './request-limit.ts';
import { readTransaction, stepTransaction, type Transactor, writeTransaction } from './transaction.ts';
import { refuseInvalid } from './validation.ts';

/** How the API behaves. */
type RestSettings = {
    /** Origins that browsers may call from; empty: same origin only. */
    readonly corsOrigins: readonly string[];
    /** Seals page cursors; at least 16 bytes, the same on every server of a database. */
    readonly cursorKey: string | Uint8Array;
    /** Present: `POST /dev/login` is there and signs with it. */
    readonly signer?: TokenSigner | undefined;
    /** Requests of a user, and of an address without one; unset: as many as they like. */
    readonly limit?: RequestLimit | null;
};

/** What the API is made of. `sql` works as role `tidings_server`. */
export type RestParts = {
    readonly sql: Transactor;
    readonly verifier: TokenVerifier;
    readonly observe: Observe;
    readonly settings: RestSettings;
    readonly checks: readonly ReadinessCheck[];
    readonly resources: readonly Resource[];
};

/** The API as an HTTP adapter uses it. Never rejects. */
export type RestService = { fetch(request: Request, peer: Peer): Promise<Response> };

/** Makes the API. */
export function createRest({ sql, verifier, observe, settings, checks, resources }: RestParts): RestService {
    const app = new OpenAPIHono<RestEnv>({ defaultHook: refuseInvalid });
    app.use(
        '*',
        carryContext(verifier, observe),
        secureAnswers,
        allowOrigins(settings.corsOrigins),
        limitAddresses(settings.limit ?? null),
        readBody,
    );
    app.onError((thrown, c) => {
        const error = errorFor(thrown);
        if (error.status >= 500) {
            observe({ type: 'handler.failed', where: `${c.req.method} ${c.req.path}`, error: error.cause ?? error });
        }
        return problemResponse(error, c.var.request.requestId);
    });
    app.notFound(answerUnmatched(app));

    healthRoutes(app, checks);
    openApiRoute(app);
    if (settings.signer !== undefined) devLogin(app, settings.signer);
    const rest: Rest = {
        cursors: createCursors(settings.cursorKey),
        read: (work) => readTransaction(sql, work),
        write: (c, work) => writeTransaction(sql, c, work),
        step: (c, work) => stepTransaction(sql, c, work),
    };
    for (const resource of [notifications, preferences, ...resources]) resource(app, rest);

    async function fetch(request: Request, peer: Peer): Promise<Response> {
        try {
            return await app.fetch(request, { peer });
        } catch (thrown) {
            // Hono passes on what was thrown and is no Error.
            observe({ type: 'handler.failed', where: 'rest', error: thrown });
            return problemResponse(errorFor(thrown));
        }
    }
    return { fetch };
}

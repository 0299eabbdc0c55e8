/** `/healthz`: the process answers. `/readyz`: what it needs answers too. */

import { createRoute, z } from '@hono/zod-openapi';
import { TidingsError } from '../errors.ts';
import { within } from '../within.ts';
import type { RestApp } from './api.ts';
import { json, problem } from './guarded-route.ts';

/** One thing without which the server can't serve; `check` rejects if it is not there. */
export type ReadinessCheck = { readonly name: string; check(): Promise<void> };

const CHECK_TIMEOUT_MS = 2000;
const RETRY_MS = 1000;

const healthRoute = createRoute({
    method: 'get',
    path: '/healthz',
    tags: ['Health'],
    summary: 'Whether the process answers',
    responses: { 200: json(z.object({ status: z.literal('ok') }), 'It does.') },
});

const readyRoute = createRoute({
    method: 'get',
    path: '/readyz',
    tags: ['Health'],
    summary: 'Whether the server can serve',
    responses: {
        200: json(z.object({ status: z.literal('ready') }), 'It can.'),
        503: problem('It can not; `issues` names what failed.'),
    },
});

/** Registers both. */
export function healthRoutes(app: RestApp, checks: readonly ReadinessCheck[]): void {
    app.openapi(healthRoute, (c) => c.json({ status: 'ok' as const }, 200));
    const look = shared(() => Promise.all(checks.map(outcomeOf)));
    app.openapi(readyRoute, async (c) => {
        const outcomes = await look();
        const failed = outcomes.filter(({ error }) => error !== null);
        if (failed.length > 0) throw notReady(failed);
        return c.json({ status: 'ready' as const }, 200);
    });
}

/** Anyone may ask as often as they like: whoever comes while it is looked is told what comes of that. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
    let underWay: Promise<T> | null = null;
    return () => {
        underWay ??= work().finally(() => {
            underWay = null;
        });
        return underWay;
    };
}

type Outcome = { readonly name: string; readonly error: unknown };

/** Names what failed; why stays in our logs, as anyone may ask. */
function notReady(failed: readonly Outcome[]): TidingsError {
    const names = failed.map(({ name }) => name).join(', ');
    return new TidingsError('unavailable', `expected every check to pass, got a failure of ${names}`, {
        cause: new AggregateError(failed.map(({ error }) => error)),
        issues: failed.map(({ name }) => ({ path: name, message: 'failed' })),
        retryAfterMs: RETRY_MS,
    });
}

async function outcomeOf({ name, check }: ReadinessCheck): Promise<Outcome> {
    const late = new Error(`expected an answer within ${CHECK_TIMEOUT_MS} ms, got none`);
    const checked = check().then(
        () => null,
        (error: unknown) => error,
    );
    return { name, error: await within(CHECK_TIMEOUT_MS, checked, late) };
}

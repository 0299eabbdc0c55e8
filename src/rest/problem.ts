/** Errors as `application/problem+json` (RFC 9457) with a `code`. */

import { STATUS_CODES } from 'node:http';
import { z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import postgres from 'postgres';
import { TidingsError } from '../errors.ts';

/** The schema of every error answer. */
export const problemSchema = z
    .object({
        type: z.string().openapi({ example: 'about:blank' }),
        title: z.string().openapi({ example: 'Not Found' }),
        status: z.int().openapi({ example: 404 }),
        detail: z.string(),
        code: z.string().openapi({ example: 'not_found' }),
        requestId: z.string().optional(),
        issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
        retryAfterMs: z.int().optional().openapi({ description: 'As `Retry-After`, to the millisecond.' }),
    })
    .openapi('Problem');

const RETRY_MS = 1000;
// lock_not_available, deadlock_detected, serialization_failure, query_canceled, too_many_connections, admin_shutdown…
const PASSING = new Set(['55P03', '40P01', '40001', '57014', '53300', '57P01', '57P02', '57P03']);
const LOST_CONNECTION = /^(CONNECTION_|CONNECT_|ECONN|ETIMEDOUT|EPIPE)/;

/** An error as an answer. */
export function problemResponse(error: TidingsError, requestId?: string): Response {
    const { code, status, issues, message, retryAfterMs } = error;
    const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
    if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000));
    if (status === 401) headers['www-authenticate'] = 'Bearer';
    const title = STATUS_CODES[status] ?? 'Error';
    const body = { type: 'about:blank', title, status, detail: message, code, requestId, issues, retryAfterMs };
    return new Response(JSON.stringify(body), { status, headers });
}

/** Anything thrown as the error the client is told of. What is not meant for them becomes `internal`. */
export function errorFor(thrown: unknown): TidingsError {
    if (thrown instanceof TidingsError) return thrown;
    if (thrown instanceof HTTPException) return fromHono(thrown);
    if (isPassing(thrown)) {
        const message = 'expected the database to answer in time, got a passing fault; try again';
        return new TidingsError('unavailable', message, { cause: thrown, retryAfterMs: RETRY_MS });
    }
    return new TidingsError('internal', 'expected this to work, got an unforeseen error', { cause: thrown });
}

function fromHono(thrown: HTTPException): TidingsError {
    if (thrown.status === 415) {
        const message = 'expected the body to be application/json';
        return new TidingsError('unsupported_media_type', message, { cause: thrown });
    }
    return new TidingsError('bad_request', 'expected the body to be JSON, got malformed text', { cause: thrown });
}

function isPassing(thrown: unknown): boolean {
    if (thrown instanceof postgres.PostgresError) return PASSING.has(thrown.code);
    return thrown instanceof Error && 'code' in thrown && LOST_CONNECTION.test(String(thrown.code));
}

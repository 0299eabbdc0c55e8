/** Answers of this folder's own, for what never reaches the REST stage: RFC 9457 problems. */

import { STATUS_CODES } from 'node:http';
import { type ErrorCode, TidingsError } from '../errors.ts';
import type { HttpResponse } from './uws.ts';

/** A status, headers and a body. */
export type Problem = {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
};

const PROBLEM_HEADERS = {
    'content-type': 'application/problem+json',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
};

/** Makes a problem. `detail` says "expected …, got …". */
export function toProblem(
    status: number,
    code: ErrorCode,
    detail: string,
    headers: Record<string, string> = {},
    more: { readonly retryAfterMs?: number } = {},
): Problem {
    const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, code, ...more });
    return { status, headers: { ...PROBLEM_HEADERS, ...headers }, body };
}

/** The problem an error is; anything unknown is `internal` and says nothing of itself. */
export function problemOf(error: unknown): Problem {
    if (!(error instanceof TidingsError))
        return toProblem(500, 'internal', 'expected an answer, got a failure on our side');
    const { status, code, message, retryAfterMs } = error;
    if (retryAfterMs === undefined) return toProblem(status, code, message);
    const headers = { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };
    return toProblem(status, code, message, headers, { retryAfterMs });
}

/** `404 Not Found`. */
export function statusLine(status: number): string {
    return `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
}

/** Answers with a problem and closes the connection: what led here may have left half a request on it. */
export function writeProblem(res: HttpResponse, problem: Problem): void {
    res.cork(() => {
        writeProblemHead(res, problem);
        res.end(problem.body, true);
    });
}

/** Writes all of a problem but its body. */
export function writeProblemHead(res: HttpResponse, problem: Problem): void {
    res.writeStatus(statusLine(problem.status));
    for (const [name, value] of Object.entries(problem.headers)) res.writeHeader(name, value);
}

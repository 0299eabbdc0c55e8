/** One error class and one closed union of codes for everything a user of Tidings can be told. */

/** Every code of an error, on the socket, in REST problems and on the command line. */
export type ErrorCode =
    | 'bad_request'
    | 'unauthorized'
    | 'forbidden'
    | 'unknown_user'
    | 'not_found'
    | 'method_not_allowed'
    | 'not_acceptable'
    | 'conflict'
    | 'precondition_failed'
    | 'too_large'
    | 'unsupported_media_type'
    | 'idempotency_mismatch'
    | 'rate_limited'
    | 'too_many_subscriptions'
    | 'not_subscribed'
    | 'unavailable'
    | 'misused'
    | 'failed'
    | 'internal';

const STATUS: Readonly<Record<ErrorCode, number>> = {
    bad_request: 400,
    unauthorized: 401,
    forbidden: 403,
    unknown_user: 403,
    not_found: 404,
    method_not_allowed: 405,
    not_acceptable: 406,
    conflict: 409,
    precondition_failed: 412,
    too_large: 413,
    unsupported_media_type: 415,
    idempotency_mismatch: 422,
    rate_limited: 429,
    too_many_subscriptions: 400,
    not_subscribed: 400,
    unavailable: 503,
    misused: 400,
    failed: 500,
    internal: 500,
};

/** What may stand beside a message: who is at fault, what caused it, how long to wait. */
export type ErrorDetails = {
    readonly cause?: unknown;
    /** Milliseconds until another try makes sense. */
    readonly retryAfterMs?: number;
    /** One line per offending field, for validation errors. */
    readonly issues?: ReadonlyArray<{ readonly path: string; readonly message: string }>;
};

/**
 * An error a user is told about. `status` is the HTTP status it becomes; `retryable` says whether the same request may
 * succeed later unchanged. Misuse by a programmer is a `TypeError`, not this.
 */
export class TidingsError extends Error {
    override readonly name = 'TidingsError';
    readonly code: ErrorCode;
    readonly status: number;
    readonly retryable: boolean;
    readonly retryAfterMs: number | undefined;
    readonly issues: ErrorDetails['issues'];

    constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
        super(message, details.cause === undefined ? undefined : { cause: details.cause });
        this.code = code;
        this.status = STATUS[code];
        this.retryable = this.status === 429 || this.status === 503;
        this.retryAfterMs = details.retryAfterMs;
        this.issues = details.issues;
    }
}

/** The message of anything thrown, for logs and wrapped errors. */
export function messageOf(thrown: unknown): string {
    return thrown instanceof Error ? thrown.message : String(thrown);
}

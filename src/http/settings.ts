/** How the server listens and what it bears. Names follow the environment's; null is off. */

import type { Rate } from '../config/values.ts';

/** What a server is run with. */
export type HttpSettings = {
    readonly host: string;
    /** 0 picks a free one. */
    readonly port: number;
    readonly corsOrigins: readonly string[];
    /** Trusted hops for `X-Forwarded-For`. */
    readonly trustProxy: number;
    /** Sockets opened from one network. */
    readonly wsConnectRate: Rate | null;
    readonly wsMaxMessageBytes: number | null;
    readonly wsMaxBackpressureBytes: number | null;
    readonly heartbeatMs: number;
    readonly bodyMaxBytes: number;
    /** Bytes of the bodies of all requests under way. */
    readonly bodiesMaxBytes: number;
    /** How long a request's body may take to arrive. */
    readonly bodyDeadlineMs: number;
    /** How long an answer may take to begin. */
    readonly answerDeadlineMs: number;
    /** How long the client of an event stream may take nothing of what waits for it. */
    readonly stallDeadlineMs: number;
    /** How long a stop gives sockets and answers under way. */
    readonly drainMs: number;
};

/** What no variable sets. */
export const HTTP_DEFAULTS = {
    bodyMaxBytes: 1024 * 1024,
    bodiesMaxBytes: 64 * 1024 * 1024,
    bodyDeadlineMs: 30_000,
    answerDeadlineMs: 60_000,
    stallDeadlineMs: 60_000,
    drainMs: 4000,
} as const;

/** Limits of the socket core. Names follow the environment's; null is off. */

import type { Rate } from '../config/values.ts';
import { AUTH_DEADLINE_MS, HEARTBEAT_MS } from '../protocol/index.ts';

/** What a server is run with. */
export type SocketSettings = {
    /** Sockets, streams and waiting requests of this server. */
    readonly wsMaxConnections: number | null;
    /** How late this process may be with its work before no more are let in. */
    readonly wsMaxLagMs: number | null;
    readonly wsMaxMessageBytes: number | null;
    /** Messages of one socket; pings and unasked pongs of the protocol are counted apart, by the same rate. */
    readonly wsRate: Rate | null;
    readonly wsMaxSubscriptions: number | null;
    /** Sockets and streams of one user on this server. */
    readonly wsMaxConnectionsPerUser: number | null;
    readonly wsMaxBackpressureBytes: number | null;
    readonly replayLimit: number | null;
    /** Ping interval told to clients; a peer not heard from for twice as long is closed. */
    readonly heartbeatMs: number;
    /** How long a socket may take to authenticate. */
    readonly authDeadlineMs: number;
    /** How long a `since` above the head is waited for: 0 where the log is read from the primary, else up to 5000. */
    readonly lagWaitMs: number;
    /** How long a socket may take nothing at all before it is closed as hopelessly slow. */
    readonly stallDeadlineMs: number;
};

/** What no variable sets, for a log that is read from the primary. */
export const SOCKET_DEFAULTS = {
    heartbeatMs: HEARTBEAT_MS,
    authDeadlineMs: AUTH_DEADLINE_MS,
    lagWaitMs: 0,
    stallDeadlineMs: 60_000,
} as const;

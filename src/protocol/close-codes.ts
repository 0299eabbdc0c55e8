/** WebSocket close codes: the range says whether a client should come back (1xxx and 45xx: yes, 44xx: not as it is). */

/** Every code the server closes with by itself. 1006 and 1009 also come from the transport. */
export const CLOSE = {
    /** A stream of server-sent events has no topic left; a socket never ends so. */
    nothingToRead: 1000,
    /** The server restarts; the reason is `{"retryAfterMs":…}`. */
    goingAway: 1001,
    /** Something of ours failed for this socket alone. */
    internal: 1011,
    /** Something it needs can't be had now. */
    tryAgainLater: 1013,
    protocolViolation: 4400,
    unauthorized: 4401,
    /** Somebody with the right to say so ended all of the user's connections. */
    disconnected: 4403,
    noAuthInTime: 4408,
    rateLimited: 4429,
    hopelesslySlow: 4508,
} as const;

/** One of {@link CLOSE}. */
export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

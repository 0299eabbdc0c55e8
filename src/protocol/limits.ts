/** What the wire fixes for every server and client: names, sizes and times that no setting changes. */

/** The subprotocol a client offers and a server selects. */
export const SUBPROTOCOL = 'tidings.v1';

/** What stands before a token offered as a subprotocol; never selected, so never echoed. */
export const BEARER_PREFIX = 'bearer.';

/** The longest `ref` of a client frame, in bytes of UTF-8. */
export const REF_MAX_BYTES = 64;

/** The longest `epoch` a client may bring back; ours are far shorter. */
export const EPOCH_MAX_CHARS = 128;

/** How long a socket may take to authenticate. */
export const AUTH_DEADLINE_MS = 5000;

/** Frames kept for a socket before it is authenticated. */
export const QUEUE_MAX_BEFORE_AUTH = 64;

/** How often a silent connection is pinged; the peer is gone after twice that. */
export const HEARTBEAT_MS = 25_000;

/**
 * The socket core: sessions and their subscriptions, without a transport and without a database.
 *
 * Overview: `createSessions` opens a Session per connection (a Wire). A session is admitted, then holds a Conversation:
 * frames handled in order. Its Memberships hold one Subscription per topic, the state machine that says what is sent next.
 * Everything said goes through one Line per session, flushed once per turn of the event loop inside one cork; rows a slow
 * socket does not take go back to their subscription and are read again when it drains. The Audience knows everybody's
 * Memberships by user: changes of access, disconnects and new epochs reach them through it, at their place in the stream.
 *
 * A stream of server-sent events is an EventSession: its Wire adds ids to the frames, and it joins what its request asks for.
 * A request that waits for events is a Poll: Memberships of one topic that collect instead of sending.
 *
 * Invariants: a subscription is registered in hub and audience before its pin is asked for; what a socket gets of a topic
 * goes up by exactly one or is preceded by a reset; what stands behind a change of access is sent only after a pin that
 * has seen the change; the cursor counts what was sent, not what was meant to be; per socket at most one page of the log
 * is in memory. Lifecycle: authenticating → joining → open → closed.
 * Depends on protocol, auth, fanout, and the port store/topic-log.ts.
 */

export { createAudience } from './audience.ts';
export type { Crowding } from './crowd.ts';
export { createEventStreams } from './event-streams.ts';
export { TICK_MS } from './loop-lag.ts';
export { createPolls } from './polls.ts';
export type { Session } from './session.ts';
export { createSessions, type Sessions } from './sessions.ts';
export { SOCKET_DEFAULTS, type SocketSettings } from './settings.ts';
export { TokenBucket } from './token-bucket.ts';
export { createTurnstile } from './turnstile.ts';
export type { SendResult, Wire } from './wire.ts';

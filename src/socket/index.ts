/**
 * The socket core: sessions and their subscriptions, without a transport and without a database.
 *
 * Overview: `createSessions` opens a Session per connection (a Wire). A session authenticates, then handles frames in
 * order; its Memberships hold one Subscription per topic, the state machine that says what is sent next. Everything said
 * goes through one Outflow per session, flushed once per turn of the event loop inside one cork; rows a slow socket does not take
 * go back to their subscription and are read from the log when it drains.
 *
 * Invariants: a subscription is registered in the hub before its pin is asked for; what a socket gets of a topic goes up
 * by exactly one or is preceded by a reset; the cursor counts what was sent, not what was meant to be; per socket at most
 * one page of the log is in memory. Lifecycle: authenticating → joining → open → closed.
 * Depends on protocol, auth, fanout, and the port store/topic-log.ts.
 */

export type { Session } from './session.ts';
export { createSessions, type Sessions } from './sessions.ts';
export { SOCKET_DEFAULTS, type SocketSettings } from './settings.ts';
export type { SendResult, Wire } from './wire.ts';

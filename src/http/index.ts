/**
 * The outside: one uWebSockets.js app on one port, for WebSocket (`/ws`) and everything else (`fetch`).
 *
 * Invariants: the only folder that knows uWebSockets.js; every callback it makes runs behind the guard, because a throw or
 * a forgotten answer would end the process; requests, buffers and sockets it lends are copied or let go in time.
 * Lifecycle: new → started → stopping → stopped. Depends on socket, protocol, and uWebSockets.js.
 */

export type { Fetch } from './http-handler.ts';
export { createHttpServer } from './server.ts';
export { HTTP_DEFAULTS, type HttpSettings } from './settings.ts';

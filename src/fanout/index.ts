/**
 * Fan-out: an in-memory map from topics to those who read them. Knows no socket and no database.
 *
 * Invariants: rows are handed on in the order of the batch; each is encoded at most once, and only if somebody reads its
 * topic; a sink that throws harms no other. The engine's own rows (kind `tidings`) are never delivered: floors go to the
 * sinks of their kind, access and disconnect rows to callbacks. Depends on event and protocol.
 */

export { type Delivery, toDelivery } from './delivery.ts';
export { type AccessChange, type Batch, createHub, type Hub } from './hub.ts';
export type { Floor, Sink } from './sink.ts';

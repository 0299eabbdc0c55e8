/**
 * Fan-out: an in-memory map from topics to those who read them, and the past for those who have missed something: a ring
 * of the latest rows of all topics, and a replay reader over it and the log. Knows no socket and no database.
 *
 * Invariants: rows are handed on in the order of the batch; each is encoded at most once, and only when somebody needs its
 * frame; a sink that throws harms no other. The engine's own rows (kind `tidings`) are never delivered: floors go to the
 * sinks of their kind, access and disconnect rows to callbacks. Ring and kept pages are bounded over all topics and hold
 * rows of the base epoch they name; replay answers nothing beyond what was asked for.
 * Depends on event, protocol, observe and the port store/topic-log.ts.
 */

export { type Delivery, toDelivery } from './delivery.ts';
export { type AccessChange, type Batch, createHub, type Hub } from './hub.ts';
export { createIntake } from './intake.ts';
export { createReplay, type Replay } from './replay.ts';
export { type Range, Ring } from './ring.ts';
export type { Floor, Sink } from './sink.ts';

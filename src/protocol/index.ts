/**
 * The wire: subprotocol `tidings.v1` as types, a parser and encoders. docs/protocol.md is its description for users.
 *
 * Invariants: parsing never throws; a frame that could be parsed is well-formed in every field; encoding an event costs
 * one string, whatever its data. Pure. Depends on event and errors.
 */

export { type ClientFrame, parseClientFrame, type Since, type SubscribeItem } from './client-frame.ts';
export { CLOSE, type CloseCode } from './close-codes.ts';
export { encodeEvent, placeOf } from './event-frame.ts';
export {
    AUTH_DEADLINE_MS,
    BEARER_PREFIX,
    HEARTBEAT_MS,
    QUEUE_MAX_BEFORE_AUTH,
    SUBPROTOCOL,
} from './limits.ts';
export {
    echo,
    encodeFrame,
    type Outcome,
    type ResetReason,
    type RevocationReason,
    type ServerFrame,
    type SocketErrorCode,
} from './server-frame.ts';

/** What belongs to one WebSocket from its handshake on. */

import type { Session } from '../socket/index.ts';
import type { OfferedToken } from './offered-token.ts';
import type { SocketWire } from './socket-wire.ts';

/** uWebSockets.js keeps it for us; session and wire are there from `open` to `close`. */
export type SocketData = OfferedToken & {
    readonly address: string;
    session: Session | null;
    wire: SocketWire | null;
};

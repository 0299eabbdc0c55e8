/** Frames a server sends, except `event` (see event-frame.ts), and their one encoder. */

import type { ErrorCode } from '../errors.ts';
import type { Topic } from '../event.ts';

/** Codes an `error` frame can carry. */
export type SocketErrorCode = Extract<
    ErrorCode,
    | 'bad_request'
    | 'unauthorized'
    | 'forbidden'
    | 'rate_limited'
    | 'too_many_subscriptions'
    | 'not_subscribed'
    | 'internal'
>;

/** What became of a `since`: `live` if there was none. */
export type Outcome = 'live' | 'resumed' | 'reset';

/** Why a live subscription has to be loaded anew. */
export type ResetReason = 'lag' | 'capture_error' | 'epoch';

/** Why a subscription ended unasked: its reader may no longer read, or there is nothing left to read. */
export type RevocationReason = 'revoked' | 'deleted';

/** Where a topic stood when it was joined. */
export type TopicPosition = { readonly topic: Topic; readonly seq: number; readonly epoch: string };

/** Limits a client may want to know; null: none. */
export type AnnouncedLimits = {
    readonly messageBytes: number | null;
    readonly subscriptions: number | null;
    readonly replay: number | null;
};

/** Every frame but `event`. An absent `ref` or `topic` is left out, never null. */
export type ServerFrame =
    | {
          readonly type: 'welcome';
          readonly connection: string;
          readonly userId: string;
          readonly expiresAt: string;
          readonly heartbeatMs: number;
          readonly limits: AnnouncedLimits;
          readonly topics: readonly TopicPosition[];
          readonly ref?: string;
      }
    | ({ readonly type: 'subscribed'; readonly outcome: Outcome; readonly ref?: string } & TopicPosition)
    | ({ readonly type: 'reset'; readonly reason: ResetReason } & TopicPosition)
    | {
          readonly type: 'unsubscribed';
          readonly topic: Topic;
          readonly reason: 'requested' | RevocationReason;
          readonly ref?: string;
      }
    | { readonly type: 'authenticated'; readonly expiresAt: string; readonly ref?: string }
    | { readonly type: 'pong'; readonly ref?: string }
    | {
          readonly type: 'error';
          readonly code: SocketErrorCode;
          readonly message: string;
          readonly topic?: string;
          readonly ref?: string;
          readonly retryAfterMs?: number;
      };

/** The text of a frame. */
export function encodeFrame(frame: ServerFrame): string {
    return JSON.stringify(frame);
}

/** `{ref}` if there is one: what an answer echoes. */
export function echo(ref: string | null): { readonly ref?: string } {
    return ref === null ? {} : { ref };
}

/** The closed union of everything noteworthy; logger, metrics and traces consume it, stages only produce it. */

/** One thing that happened. `type` is `<stage>.<what>`; fields carry units in their names and never a token. */
export type Observation =
    | { readonly type: 'server.started'; readonly url: string; readonly tookMs: number }
    | { readonly type: 'server.stopping'; readonly reason: string }
    | { readonly type: 'server.stopped'; readonly tookMs: number }
    | { readonly type: 'service.failed'; readonly service: string; readonly error: unknown }
    | { readonly type: 'sequencer.ran'; readonly numbered: number; readonly tookMs: number }
    | { readonly type: 'sequencer.state'; readonly state: string }
    | { readonly type: 'sequencer.failed'; readonly error: unknown; readonly retryInMs: number }
    | { readonly type: 'tail.read'; readonly events: number; readonly tookMs: number; readonly gseq: number }
    | { readonly type: 'tail.failed'; readonly error: unknown; readonly retryInMs: number }
    | { readonly type: 'tail.lag'; readonly events: number; readonly waitedMs: number }
    | { readonly type: 'tail.epoch'; readonly from: string; readonly to: string }
    | { readonly type: 'doorbell.state'; readonly state: string }
    | { readonly type: 'doorbell.rang'; readonly channel: string }
    | { readonly type: 'doorbell.failed'; readonly error: unknown }
    | { readonly type: 'socket.opened'; readonly connection: string; readonly address: string }
    | {
          readonly type: 'socket.closed';
          readonly connection: string;
          readonly userId: string | null;
          readonly code: number;
      }
    | { readonly type: 'socket.refused'; readonly reason: string; readonly address: string }
    /** Refusals that followed each other, told once they have stopped. */
    | {
          readonly type: 'socket.limited';
          readonly connection: string;
          readonly userId: string | null;
          readonly address: string;
          readonly what: 'messages' | 'pings' | 'connections';
          readonly refused: number;
          readonly lastedMs: number;
      }
    | { readonly type: 'socket.slow'; readonly connection: string; readonly slow: boolean }
    | { readonly type: 'socket.dropped'; readonly connection: string; readonly reason: string; readonly frames: number }
    | { readonly type: 'auth.failed'; readonly where: string; readonly reason: string; readonly address: string }
    | { readonly type: 'replay.read'; readonly topic: string; readonly events: number; readonly tookMs: number }
    | { readonly type: 'subscription.reset'; readonly topic: string; readonly reason: string }
    | { readonly type: 'subscription.revoked'; readonly topic: string; readonly reason: string }
    | { readonly type: 'poll.waiting'; readonly topic: string }
    | { readonly type: 'handler.failed'; readonly where: string; readonly error: unknown }
    | {
          readonly type: 'http.answered';
          readonly method: string;
          readonly route: string;
          readonly status: number;
          readonly tookMs: number;
          readonly requestId: string;
      }
    /** One request too many; `key` says whose. */
    | { readonly type: 'request.limited'; readonly key: string }
    | { readonly type: 'mail.claimed'; readonly mails: number }
    | {
          readonly type: 'mail.ended';
          readonly digest: string;
          readonly kind: string;
          readonly userId: string;
          readonly outcome: string;
          /** The state it is in now; null if another had taken it up. */
          readonly state: string | null;
          readonly reason: string | null;
      }
    | { readonly type: 'database.silent'; readonly name: string; readonly waitedMs: number }
    | { readonly type: 'database.notice'; readonly message: string }
    | { readonly type: 'mail.caught'; readonly bytes: number; readonly tookMs: number }
    | { readonly type: 'migration.applied'; readonly set: string; readonly name: string; readonly tookMs: number };

/** Where stages put what they noticed. Must not throw and must be cheap: it is called on every event's way. */
export type Observe = (observation: Observation) => void;

/** All sockets of this process, and what they share with everything else that reads the stream. */

import type { Verifier } from '../auth/index.ts';
import type { Hub, Replay } from '../fanout/index.ts';
import type { Observe } from '../observe.ts';
import type { TopicLog } from '../store/topic-log.ts';
import type { Audience } from './audience.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Connections, createConnections } from './connections.ts';
import { Crowd } from './crowd.ts';
import type { SocketPorts } from './memberships.ts';
import { createPinner } from './pinner.ts';
import { Session } from './session.ts';
import type { SocketSettings } from './settings.ts';
import { createTurns } from './turns.ts';
import { createTurnstile } from './turnstile.ts';
import type { Wire } from './wire.ts';

/** What sessions are made of. `clock` and `random` are parameters for tests. */
export type SessionsOptions = {
    readonly hub: Hub;
    readonly audience: Audience;
    readonly log: Pick<TopicLog, 'pin'>;
    readonly replay: Replay;
    readonly verifier: Verifier;
    readonly observe: Observe;
    readonly settings: SocketSettings;
    readonly clock?: Clock;
    readonly random?: () => number;
};

/** The registry. */
export type Sessions = {
    /** Takes over a connection that has just been made; `where` is where its token was, for observations. */
    open(wire: Wire, token: string | null, where: string): Session;
    /** What streams that are no sockets are made of, too. */
    readonly ports: SocketPorts & { readonly verifier: Verifier };
    /** Every socket and stream that is open. */
    readonly connections: Connections;
    /** Aborted when all are being closed: what is opened later never would be. */
    readonly closing: AbortSignal;
    count(): number;
    /** Whether there is room for one more. */
    readonly crowd: Crowd;
    /** To be called every `TICK_MS`, by who owns the timer. */
    tick(): void;
    /** Closes those not heard from for twice the heartbeat; called now and then by who owns the timer. */
    sweep(): void;
    /** Closes all with 1001 and a random `retryAfterMs`, in batches over `overMs`; one that has not yet read all waits to the last. */
    closeAll(overMs: number): Promise<void>;
};

/** Each asks for a check of its token and a pin. */
const ADMITTED_PER_TURN = 16;

/** Makes a registry without sockets. */
export function createSessions(options: SessionsOptions): Sessions {
    const { clock = systemClock, random = Math.random, hub, audience, log, replay, observe, settings } = options;
    const { verifier } = options;
    const connections = createConnections({ clock, random, observe });
    const crowd = new Crowd({ count: connections.count, settings, random });
    const closing = new AbortController();
    const turns = createTurns(clock);
    const pin = createPinner(log, clock, observe);
    const ports = { hub, audience, replay, turns, pin, verifier, observe, clock, settings };

    const turnstile = createTurnstile(ADMITTED_PER_TURN, (run) => clock.atTurnEnd(run));

    function open(wire: Wire, token: string | null, where: string): Session {
        const session = new Session(wire, {
            ...ports,
            turnstile,
            onDirty: connections.soil,
            onClosed: connections.delete,
        });
        connections.add(session);
        session.start(token, where);
        return session;
    }

    return {
        open,
        ports,
        connections,
        closing: closing.signal,
        count: connections.count,
        crowd,
        tick: () => crowd.tick(clock.nowMs()),
        sweep: () => connections.sweep(2 * settings.heartbeatMs),
        closeAll(overMs) {
            closing.abort();
            return connections.closeAll(overMs);
        },
    };
}

/** All sockets of this process: opens them, flushes them once a turn, and ends them together. */

import type { Verifier } from '../auth/index.ts';
import type { Hub, Replay } from '../fanout/index.ts';
import type { Observe } from '../observe.ts';
import { CLOSE } from '../protocol/index.ts';
import type { TopicLog } from '../store/topic-log.ts';
import type { Audience } from './audience.ts';
import { type Clock, systemClock } from './clock.ts';
import { createPinner } from './pinner.ts';
import { Session } from './session.ts';
import type { SocketSettings } from './settings.ts';
import { createTurns } from './turns.ts';
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
    count(): number;
    /** Closes those not heard from for twice the heartbeat; called now and then by who owns the timer. */
    sweep(): void;
    /** Closes all with 1001 and a random `retryAfterMs`, in batches over `overMs`; one that has not yet read all waits to the last. */
    closeAll(overMs: number): Promise<void>;
};

/** Batches in which all sockets are closed. */
const CLOSE_STEPS = 20;
const LONGEST_RETRY_MS = 5000;

/** Makes a registry without sockets. */
export function createSessions(options: SessionsOptions): Sessions {
    const {
        clock = systemClock,
        random = Math.random,
        hub,
        audience,
        log,
        replay,
        observe,
        settings,
        verifier,
    } = options;
    const all = new Set<Session>();
    const pin = createPinner(log, clock, observe);
    const turns = createTurns(clock);
    let dirty: Session[] = [];

    function onDirty(session: Session): void {
        dirty.push(session);
        if (dirty.length === 1) clock.atTurnEnd(flush);
    }

    function flush(): void {
        const flushed = dirty;
        dirty = [];
        for (const session of flushed) {
            try {
                session.flush();
            } catch (error) {
                observe({ type: 'handler.failed', where: 'flush', error });
                session.close(CLOSE.internal, 'internal');
            }
        }
    }

    function open(wire: Wire, token: string | null, where: string): Session {
        const session = new Session(wire, {
            hub,
            audience,
            replay,
            turns,
            pin,
            verifier,
            observe,
            clock,
            settings,
            onDirty,
            onClosed: (closed) => all.delete(closed),
        });
        all.add(session);
        session.start(token, where);
        return session;
    }

    function sweep(): void {
        const oldestMs = clock.nowMs() - 2 * settings.heartbeatMs;
        for (const session of all) if (session.heardMs < oldestMs) session.close(CLOSE.tryAgainLater, 'silent');
    }

    async function closeAll(overMs: number): Promise<void> {
        const share = Math.ceil(all.size / CLOSE_STEPS);
        for (let step = 1; step < CLOSE_STEPS && all.size > 0; step += 1) {
            const ready = [...all].filter((session) => session.bufferedBytes === 0);
            for (const session of ready.slice(0, share)) goAway(session);
            if (all.size > 0) await pause(overMs / CLOSE_STEPS);
        }
        for (const session of all) goAway(session);
    }

    function goAway(session: Session): void {
        const retryAfterMs = Math.round(random() * LONGEST_RETRY_MS);
        session.close(CLOSE.goingAway, JSON.stringify({ retryAfterMs }));
    }

    function pause(delayMs: number): Promise<void> {
        return new Promise((resolve) => void clock.after(delayMs, resolve));
    }

    return {
        open,
        count: () => all.size,
        sweep,
        closeAll,
    };
}

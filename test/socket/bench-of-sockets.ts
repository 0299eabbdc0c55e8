/** Sessions over a log in memory, with wires, clock and verifier a test holds in its hand. */

import { refusal } from '../../src/auth/index.ts';
import { TidingsError } from '../../src/errors.ts';
import { type Batch, createHub, createReplay, Ring } from '../../src/fanout/index.ts';
import type { Observation } from '../../src/observe.ts';
import {
    createAudience,
    createSessions,
    type Session,
    SOCKET_DEFAULTS,
    type SocketSettings,
} from '../../src/socket/index.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeWire } from './fake-wire.ts';
import { MemoryLog } from './memory-log.ts';

/** A socket and the session behind it. */
export type Peer = { readonly wire: FakeWire; readonly session: Session; say(frame: unknown): Promise<void> };

/** A token of this bench is `<user>` or `<user>/<ms to live>`. */
export function createBench(settings: Partial<SocketSettings> = {}, ring: Ring = new Ring()) {
    const clock = new FakeClock();
    const log = new MemoryLog();
    const audience = createAudience();
    const hub = createHub({ onAccess: audience.accessChanged, onDisconnect: audience.disconnect }, ring);
    const observed: Observation[] = [];
    const observe = (observation: Observation) => void observed.push(observation);
    const replay = createReplay({ ring, log, observe, timers: clock });
    const verifier = {
        async verify(token: string) {
            const [userId = '', lifeMs = '3600000'] = token.split('/');
            if (userId === 'bad') throw refusal('test');
            if (userId === 'down') throw new TidingsError('unavailable', 'no keys');
            return { userId, expiresAtMs: clock.nowMs() + Number(lifeMs) };
        },
    };
    const sessions = createSessions({
        hub,
        audience,
        log,
        replay,
        verifier,
        observe,
        settings: {
            ...SOCKET_DEFAULTS,
            wsMaxConnections: null,
            wsMaxLagMs: null,
            wsMaxMessageBytes: 16_384,
            wsRate: null,
            wsMaxConnectionsPerUser: null,
            wsMaxSubscriptions: 3,
            wsMaxBackpressureBytes: 1000,
            replayLimit: 1000,
            ...settings,
        },
        clock,
        random: () => 0.5,
    });

    function peer(token: string | null): Peer {
        const wire = new FakeWire();
        const session = sessions.open(wire, token, 'header');
        async function say(frame: unknown): Promise<void> {
            session.receive(typeof frame === 'string' ? frame : JSON.stringify(frame));
            await clock.settle();
        }
        return { wire, session, say };
    }

    async function join(userId = 'ann', ...topics: string[]): Promise<Peer> {
        const joined = peer(userId);
        await clock.settle();
        for (const topic of topics) await joined.say({ type: 'subscribe', topic });
        return joined;
    }

    async function publish(...batches: Batch[]): Promise<void> {
        for (const batch of batches) hub.publish(batch);
        await clock.settle();
    }

    return { clock, log, ring, hub, audience, replay, sessions, observed, peer, join, publish };
}

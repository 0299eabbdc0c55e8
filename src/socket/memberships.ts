/** The topics of one reader: joining, restarting, leaving, and keeping their subscriptions pinned and fed. */

import { kindOf, RESERVED_KIND, type Topic, USER_KIND } from '../event.ts';
import type { AccessChange, Hub, Replay } from '../fanout/index.ts';
import type { Observe } from '../observe.ts';
import type { RevocationReason, Since } from '../protocol/index.ts';
import type { Pin } from '../store/topic-log.ts';
import type { Attendee, Audience } from './audience.ts';
import type { Clock } from './clock.ts';
import { Feeder } from './feeder.ts';
import type { Outgoing, Outlet, Reader } from './outlet.ts';
import type { Pinner } from './pinner.ts';
import { Pinning } from './pinning.ts';
import type { SocketSettings } from './settings.ts';
import { type Answer, Subscription } from './subscription.ts';
import type { Turns } from './turns.ts';

/** What all readers of a process share. */
export type SocketPorts = {
    readonly hub: Hub;
    readonly audience: Audience;
    readonly replay: Replay;
    readonly turns: Turns;
    readonly pin: Pinner;
    readonly observe: Observe;
    readonly clock: Clock;
    readonly settings: SocketSettings;
};

/** Whoever the topics are read for, as their memberships see it. */
export type MembershipHost = {
    accepting(): boolean;
    push(item: Outgoing, owner: Reader): void;
    flush(): void;
    /** A subscription ended because its user may no longer read, or there is nothing left to read. */
    revoked(topic: Topic, reason: RevocationReason): void;
    /** All connections of the user are to end. */
    disconnected(): void;
    failed(error: unknown): void;
};

/** What the client of a connection is told that is ended with all others of its user. */
export const DISCONNECTED_MESSAGE =
    'expected this connection to go on, got a request to end all connections of its user';

/** What became of a join; `subscription.advance()` is to be called once the answer is on its way. */
export type Joined =
    | { readonly ok: true; readonly subscription: Subscription; readonly answer: Answer }
    | { readonly ok: false; readonly code: 'forbidden' | 'too_many_subscriptions' | 'internal' };

/** Exists from authentication to the end of the connection. */
export class Memberships implements Outlet, Attendee {
    /** `user:<sub>`: not counted, can't be left, and nobody's to take away. */
    readonly ownTopic: Topic;
    readonly #userId: string;
    readonly #ports: SocketPorts;
    readonly #host: MembershipHost;
    readonly #feeder: Feeder;
    readonly #pinning: Pinning;
    readonly #joined = new Map<Topic, Subscription>();
    #ended = false;

    constructor(userId: string, ports: SocketPorts, host: MembershipHost) {
        const { replay, turns, clock, settings } = ports;
        this.ownTopic = `${USER_KIND}:${userId}`;
        this.#userId = userId;
        this.#ports = ports;
        this.#host = host;
        this.#pinning = new Pinning({ userId, pin: ports.pin, clock, lagWaitMs: settings.lagWaitMs });
        this.#feeder = new Feeder({
            replay,
            turns,
            clock,
            flush: () => host.flush(),
            failed: (error) => host.failed(error),
        });
        ports.audience.enter(userId, this);
    }

    /** Topics that are joined or being joined. */
    get size(): number {
        return this.#joined.size;
    }

    /**
     * Joins a topic, or restarts it: what was live stops at once. The pin is asked for at once too, so that many joins
     * share a query; the answer is made when the returned function is called, so that answers keep their order.
     */
    join(topic: Topic, since: Since): () => Promise<Joined> {
        if (this.#ended || kindOf(topic) === RESERVED_KIND) return async () => ({ ok: false, code: 'forbidden' });
        if (this.#isFull(topic)) return async () => ({ ok: false, code: 'too_many_subscriptions' });
        this.#drop(topic);
        const subscription = new Subscription(topic, this, this.#ports.settings.replayLimit);
        this.#joined.set(topic, subscription);
        // Before the pin's snapshot: what is published after it must be seen, and so must a change of access.
        this.#ports.hub.join(topic, subscription);
        return this.#pinning.first(subscription, since, (pin) => this.#finish(subscription, since, pin));
    }

    /** False if the topic was not joined. */
    leave(topic: Topic): boolean {
        return this.#drop(topic);
    }

    /** Leaves every topic, for good. */
    end(): void {
        this.#ended = true;
        this.#ports.audience.leave(this.#userId, this);
        for (const topic of [...this.#joined.keys()]) this.#drop(topic);
    }

    /** Frames are taken again. */
    advance(): void {
        for (const subscription of this.#joined.values()) subscription.advance();
    }

    accessChanged(change: AccessChange): void {
        for (const subscription of this.#concerned(change.topic)) {
            if (subscription.topic !== this.ownTopic) subscription.accessChanged(change);
        }
    }

    epochChanged(): void {
        for (const subscription of this.#joined.values()) subscription.epochChanged();
    }

    disconnected(): void {
        this.#host.disconnected();
    }

    accepting(): boolean {
        return this.#host.accepting();
    }

    push(item: Outgoing, owner: Reader): void {
        if ('kind' in item)
            this.#ports.observe({ type: 'subscription.reset', topic: owner.topic, reason: item.reason });
        this.#host.push(item, owner);
    }

    feed(owner: Reader): void {
        this.#feeder.want(owner);
    }

    repin({ topic }: Reader): void {
        const subscription = this.#joined.get(topic);
        if (subscription === undefined) return;
        const asked = this.#pinning.again(subscription, (pin) => this.#settle(subscription, pin));
        void asked.catch((error: unknown) => this.failed(error));
    }

    failed(error: unknown): void {
        this.#host.failed(error);
    }

    #concerned(topic: Topic | null): Iterable<Subscription> {
        if (topic === null) return this.#joined.values();
        const subscription = this.#joined.get(topic);
        return subscription === undefined ? [] : [subscription];
    }

    #isFull(topic: Topic): boolean {
        const most = this.#ports.settings.wsMaxSubscriptions;
        if (most === null || topic === this.ownTopic || this.#joined.has(topic)) return false;
        return this.#joined.size - (this.#joined.has(this.ownTopic) ? 1 : 0) >= most;
    }

    #drop(topic: Topic): boolean {
        const subscription = this.#joined.get(topic);
        if (subscription === undefined) return false;
        this.#joined.delete(topic);
        this.#ports.hub.leave(topic, subscription);
        subscription.leave();
        return true;
    }

    #finish(subscription: Subscription, since: Since, pin: Pin | null): Joined {
        if (pin?.allowed && subscription.state !== 'left') {
            return { ok: true, subscription, answer: subscription.pinned(pin, since) };
        }
        if (this.#joined.get(subscription.topic) === subscription) this.#drop(subscription.topic);
        return { ok: false, code: pin === null ? 'internal' : 'forbidden' };
    }

    #settle(subscription: Subscription, pin: Pin): void {
        if (pin.allowed) {
            subscription.repinned(pin);
            return;
        }
        const { topic, revocation } = subscription;
        this.#drop(topic);
        this.#ports.observe({ type: 'subscription.revoked', topic, reason: revocation });
        this.#host.revoked(topic, revocation);
    }
}

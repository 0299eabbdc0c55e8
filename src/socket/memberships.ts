/** The topics of one socket: joining, restarting, leaving, and keeping their subscriptions pinned and fed. */

import { kindOf, RESERVED_KIND, type Topic, USER_KIND } from '../event.ts';
import type { Hub } from '../fanout/index.ts';
import type { Observe } from '../observe.ts';
import type { Since } from '../protocol/index.ts';
import type { Pin, TopicLog } from '../store/topic-log.ts';
import type { Clock } from './clock.ts';
import { Feeder } from './feeder.ts';
import type { Pinner } from './pinner.ts';
import type { SocketSettings } from './settings.ts';
import { type Answer, type Outgoing, type Outlet, Subscription } from './subscription.ts';

/** What all sockets of a process share. */
export type SocketPorts = {
    readonly hub: Hub;
    readonly log: Pick<TopicLog, 'read'>;
    readonly pin: Pinner;
    readonly observe: Observe;
    readonly clock: Clock;
    readonly settings: SocketSettings;
};

/** The socket as its memberships see it. */
export type MembershipHost = {
    accepting(): boolean;
    push(item: Outgoing, owner: Subscription): void;
    flush(): void;
    /** A subscription ended because its user may no longer read. */
    revoked(topic: Topic): void;
    failed(error: unknown): void;
};

/** What became of a join; `subscription.advance()` is to be called once the answer is on its way. */
export type Joined =
    | { readonly ok: true; readonly subscription: Subscription; readonly answer: Answer }
    | { readonly ok: false; readonly code: 'forbidden' | 'too_many_subscriptions' | 'internal' };

const LAG_RETRY_MS = 50;
const REPIN_RETRY_MS = 500;

/** Exists from authentication to the end of the socket. */
export class Memberships implements Outlet {
    /** `user:<sub>`: always joined, not counted, can't be left. */
    readonly ownTopic: Topic;
    readonly #userId: string;
    readonly #ports: SocketPorts;
    readonly #host: MembershipHost;
    readonly #feeder: Feeder;
    readonly #joined = new Map<Topic, Subscription>();
    #ended = false;

    constructor(userId: string, ports: SocketPorts, host: MembershipHost) {
        this.ownTopic = `${USER_KIND}:${userId}`;
        this.#userId = userId;
        this.#ports = ports;
        this.#host = host;
        this.#feeder = new Feeder({
            log: ports.log,
            clock: ports.clock,
            observe: ports.observe,
            accepting: () => host.accepting(),
            flush: () => host.flush(),
        });
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
        this.#ports.hub.join(topic, subscription);
        const { ticket } = subscription;
        const pinned = this.#pin(topic, since).catch((error: unknown) => this.#unpinned(error));
        return () => this.#finish(subscription, since, ticket, pinned);
    }

    /** False if the topic was not joined. */
    leave(topic: Topic): boolean {
        return this.#drop(topic);
    }

    /** Leaves every topic, for good. */
    end(): void {
        this.#ended = true;
        for (const topic of [...this.#joined.keys()]) this.#drop(topic);
    }

    /** The socket takes frames again. */
    advance(): void {
        for (const subscription of this.#joined.values()) subscription.advance();
    }

    /** All positions are void: every subscription is pinned again and told. */
    epochChanged(): void {
        for (const subscription of this.#joined.values()) subscription.epochChanged();
    }

    accepting(): boolean {
        return this.#host.accepting();
    }

    push(item: Outgoing, owner: Subscription): void {
        if ('kind' in item)
            this.#ports.observe({ type: 'subscription.reset', topic: owner.topic, reason: item.reason });
        this.#host.push(item, owner);
    }

    feed(owner: Subscription): void {
        this.#feeder.want(owner);
    }

    repin(owner: Subscription): void {
        void this.#repin(owner);
    }

    failed(error: unknown): void {
        this.#host.failed(error);
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

    #pin(topic: Topic, since: Since): Promise<Pin> {
        return this.#ports.pin({ userId: this.#userId, topic, since: since?.seq ?? null });
    }

    #unpinned(error: unknown): null {
        this.#ports.observe({ type: 'handler.failed', where: 'pin', error });
        return null;
    }

    async #finish(
        subscription: Subscription,
        since: Since,
        asked: number,
        first: Promise<Pin | null>,
    ): Promise<Joined> {
        const pin = await this.#current(subscription, since, asked, first);
        if (pin?.allowed && subscription.state !== 'left') {
            return { ok: true, subscription, answer: subscription.pinned(pin, since) };
        }
        if (this.#joined.get(subscription.topic) === subscription) this.#drop(subscription.topic);
        return { ok: false, code: pin === null ? 'internal' : 'forbidden' };
    }

    /** A pin that still holds: asked again if the epoch changed meanwhile, and while this server's head is below `since`. */
    async #current(
        subscription: Subscription,
        since: Since,
        asked: number,
        first: Promise<Pin | null>,
    ): Promise<Pin | null> {
        const { clock, settings } = this.#ports;
        const deadlineMs = clock.nowMs() + settings.lagWaitMs;
        let ticket = asked;
        let pin = await first;
        while (pin !== null && subscription.state !== 'left') {
            const behind = pin.allowed && since !== null && since.epoch === pin.epoch && since.seq > pin.head;
            const waits = behind && clock.nowMs() < deadlineMs;
            if (subscription.ticket === ticket && !waits) break;
            if (waits) await this.#pause(LAG_RETRY_MS);
            ticket = subscription.ticket;
            pin = await this.#pin(subscription.topic, since).catch((error: unknown) => this.#unpinned(error));
        }
        return pin;
    }

    async #repin(subscription: Subscription): Promise<void> {
        while (subscription.state === 'pending') {
            const { ticket, topic } = subscription;
            const pin = await this.#pin(topic, null).catch((error: unknown) => this.#unpinned(error));
            if (pin === null) await this.#pause(REPIN_RETRY_MS);
            else if (subscription.state === 'pending' && subscription.ticket === ticket)
                return this.#settle(subscription, pin);
        }
    }

    #settle(subscription: Subscription, pin: Pin): void {
        if (pin.allowed) {
            subscription.repinned(pin);
            return;
        }
        this.#drop(subscription.topic);
        this.#host.revoked(subscription.topic);
    }

    #pause(delayMs: number): Promise<void> {
        return new Promise((resolve) => void this.#ports.clock.after(delayMs, resolve));
    }
}

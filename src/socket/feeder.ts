/** Reads the log for those subscriptions of one socket that are behind: one page at a time, as fast as the socket takes them. */

import { toDelivery } from '../fanout/index.ts';
import type { Observe } from '../observe.ts';
import type { TopicLog } from '../store/topic-log.ts';
import type { Clock } from './clock.ts';
import { baseOf } from './reset-notice.ts';
import type { Subscription } from './subscription.ts';

/** Rows in a page: what a socket that stalls has to read again at most. */
const PAGE = 200;
const RETRY_MS = 500;

/** What a feeder works with. */
export type FeederPorts = {
    readonly log: Pick<TopicLog, 'read'>;
    readonly clock: Clock;
    readonly observe: Observe;
    /** Whether the socket takes frames. */
    readonly accepting: () => boolean;
    /** Hands over what was pushed, now. */
    readonly flush: () => void;
};

/** One per socket. At most one read is under way, so a socket's memory is bounded by a page. */
export class Feeder {
    readonly #ports: FeederPorts;
    readonly #hungry = new Set<Subscription>();
    #feeding = false;

    constructor(ports: FeederPorts) {
        this.#ports = ports;
    }

    /** Puts a subscription in the queue. */
    want(subscription: Subscription): void {
        this.#hungry.add(subscription);
        if (!this.#feeding) void this.#feed();
    }

    async #feed(): Promise<void> {
        this.#feeding = true;
        while (this.#ports.accepting()) {
            const [subscription] = this.#hungry;
            if (subscription === undefined) break;
            this.#hungry.delete(subscription);
            if (!(await this.#page(subscription))) await this.#pause();
        }
        this.#feeding = false;
    }

    /** False if the log could not be read; the subscription is then in the queue again. */
    async #page(subscription: Subscription): Promise<boolean> {
        const wanted = subscription.wanted();
        if (wanted === null) return true;
        try {
            const base = baseOf(wanted.epoch);
            const rows = await this.#ports.log.read(subscription.topic, wanted.after, wanted.upto, PAGE);
            const page = rows.map((row) => toDelivery(row, base));
            if (!subscription.fed(wanted, page)) this.#again(subscription);
            this.#ports.flush();
            return true;
        } catch (error) {
            this.#ports.observe({ type: 'handler.failed', where: 'feeder', error });
            this.#hungry.add(subscription);
            return false;
        }
    }

    /** The page came too late for what the subscription had become meanwhile; if it still needs one, it asks again. */
    #again(subscription: Subscription): void {
        if (subscription.wanted() !== null) this.#hungry.add(subscription);
    }

    #pause(): Promise<void> {
        return new Promise((resolve) => void this.#ports.clock.after(RETRY_MS, resolve));
    }
}

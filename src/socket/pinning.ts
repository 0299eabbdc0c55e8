/** Asks for the pins of one reader's subscriptions, until one holds. */

import type { Since } from '../protocol/index.ts';
import type { Pin } from '../store/topic-log.ts';
import type { Clock } from './clock.ts';
import type { Pinner } from './pinner.ts';
import type { Subscription } from './subscription.ts';

/** What pinning works with. */
export type PinningPorts = {
    readonly userId: string;
    readonly pin: Pinner;
    readonly clock: Clock;
    /** How long a `since` above the head is waited for. */
    readonly lagWaitMs: number;
};

/** How soon an answer that was too old is asked for again, and how soon one that could not be had. */
const STALE_RETRY_MS = 50;
const FAILED_RETRY_MS = 500;

/**
 * One per reader of topics. What is done with a pin is done in the same breath as it was found to hold: a change of
 * access met between the two would go unseen.
 */
export class Pinning {
    readonly #ports: PinningPorts;

    constructor(ports: PinningPorts) {
        this.#ports = ports;
    }

    /**
     * Asks for the first pin of a subscription, at once. The function answered hands one that holds to `settle`, or null
     * if it can't be had.
     */
    first<T>(subscription: Subscription, since: Since, settle: (pin: Pin | null) => T): () => Promise<T> {
        const { clock, lagWaitMs } = this.#ports;
        let { ticket } = subscription;
        let asked = this.#ask(subscription, since);
        return async () => {
            const deadlineMs = clock.nowMs() + lagWaitMs;
            for (let tries = 0; ; tries += 1) {
                const pin = await asked;
                if (pin === null || subscription.state === 'left') return settle(pin);
                const waits = isBehind(pin, since) && clock.nowMs() < deadlineMs;
                if (!waits && subscription.holds(pin, ticket)) return settle(pin);
                if (waits || tries > 0) await this.#pause(STALE_RETRY_MS);
                ticket = subscription.ticket;
                asked = this.#ask(subscription, since);
            }
        };
    }

    /** Asks for another pin until one holds and hands it to `settle`, or until none is wanted any more. */
    async again(subscription: Subscription, settle: (pin: Pin) => void): Promise<void> {
        for (let tries = 0; subscription.state === 'pending'; tries += 1) {
            const { ticket } = subscription;
            const pin = await this.#ask(subscription, null);
            if (subscription.state !== 'pending') return;
            if (pin !== null && subscription.holds(pin, ticket)) {
                settle(pin);
                return;
            }
            if (pin === null) await this.#pause(FAILED_RETRY_MS);
            else if (tries > 0) await this.#pause(STALE_RETRY_MS);
        }
    }

    #ask({ topic }: Subscription, since: Since): Promise<Pin | null> {
        const { pin, userId } = this.#ports;
        return pin({ userId, topic, since: since?.seq ?? null });
    }

    #pause(delayMs: number): Promise<void> {
        return new Promise((resolve) => void this.#ports.clock.after(delayMs, resolve));
    }
}

/** Whether the log that was asked has not come as far as the reader was elsewhere. */
function isBehind(pin: Pin, since: Since): boolean {
    return pin.allowed && since !== null && since.epoch === pin.epoch && since.seq > pin.head;
}

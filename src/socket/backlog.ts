/** Live deliveries that came while a subscription was not live: the newest ones, without a gap, bounded. */

import type { Delivery } from '../fanout/index.ts';

/** Rows kept: enough to bridge a pin. They are shared with every other reader and mostly in the ring anyway. */
const MOST = 64;

/**
 * Always a gap-free run of one epoch that ends at `seen`, the last seq published. When it grows too long it starts anew
 * with the latest: what is missing before it comes from the ring or the log.
 */
export class Backlog {
    /** The last seq published, kept or not. */
    seen = 0;
    #base = '';
    #kept: Delivery[] = [];

    /** The base epoch of what was published last. */
    get base(): string {
        return this.#base;
    }

    /** The first seq kept, or `seen + 1` if none is. */
    get firstSeq(): number {
        return this.#kept[0]?.seq ?? this.seen + 1;
    }

    /** Notes a delivery; keeps it if asked to. Repeated ones are ignored. */
    note(delivery: Delivery, keep: boolean): void {
        this.adopt(delivery.epoch);
        if (delivery.seq <= this.seen) return;
        if (!keep || delivery.seq !== this.seen + 1 || this.#kept.length >= MOST) this.#kept = [];
        if (keep) this.#kept.push(delivery);
        this.seen = delivery.seq;
    }

    /** Takes out what is kept. */
    take(): readonly Delivery[] {
        const kept = this.#kept;
        this.#kept = [];
        return kept;
    }

    /** Forgets what is kept, not how far the topic was seen. */
    drop(): void {
        this.#kept = [];
    }

    /** Forgets everything that was of another base epoch. */
    adopt(base: string): void {
        if (base === this.#base) return;
        this.#base = base;
        this.#kept = [];
        this.seen = 0;
    }
}

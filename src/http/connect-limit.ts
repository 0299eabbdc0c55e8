/** How often sockets may be opened from one network. */

import type { Rate } from '../config/values.ts';
import { networkOf } from '../network.ts';
import { TokenBucket } from '../socket/index.ts';

/** Networks remembered at once; those not heard of for the longest time go first. */
const MOST_NETWORKS = 100_000;
const OFFENCE_SHARE = 0.1;

/** A bucket per network. The clock is the caller's. */
export class ConnectLimit {
    readonly #rate: Rate | null;
    readonly #isExempt: (address: string) => boolean;
    readonly #mostNetworks: number;
    readonly #buckets = new Map<string, TokenBucket>();

    /**
     * `rate` null: as often as they like.
     *
     * Who is exempt is not counted: this machine itself, and, where nobody has told us of a proxy, whatever is near enough to
     * be one, as then everybody comes from there.
     */
    constructor(rate: Rate | null, isExempt: (address: string) => boolean, mostNetworks: number = MOST_NETWORKS) {
        this.#rate = rate;
        this.#isExempt = isExempt;
        this.#mostNetworks = mostNetworks;
    }

    /** Counts a socket that is to be opened. Answers 0, or how many milliseconds until there may be one. */
    take(address: string, nowMs: number): number {
        return this.#bucketOf(address, nowMs)?.take(nowMs) ?? 0;
    }

    /** A socket had to be closed for what its peer did: that counts as a tenth of all it may open, so that coming back is no way out. */
    punish(address: string, nowMs: number): void {
        this.#bucketOf(address, nowMs)?.drain((this.#rate?.count ?? 0) * OFFENCE_SHARE, nowMs);
    }

    #bucketOf(address: string, nowMs: number): TokenBucket | null {
        if (this.#rate === null || this.#isExempt(address)) return null;
        const network = networkOf(address);
        const bucket = this.#buckets.get(network) ?? new TokenBucket(this.#rate, nowMs);
        this.#buckets.delete(network);
        this.#buckets.set(network, bucket);
        const [oldest] = this.#buckets.keys();
        if (this.#buckets.size > this.#mostNetworks && oldest !== undefined) this.#buckets.delete(oldest);
        return bucket;
    }
}

/**
 * A rate: so many at once, and as many again, evenly, in so long. Synchronous, as the frames of a socket keep their order, which
 * the limiters of libraries are not.
 */

import type { Rate } from '../config/values.ts';

/** `full ──take──▶ … ──take──▶ empty`, filling all the while. The clock is the caller's. */
export class TokenBucket {
    readonly #rate: Rate;
    /** In tokens times the period, so that nothing is rounded: a token costs `perMs`, a millisecond fills `count`. */
    #level: number;
    #filledMs: number;

    constructor(rate: Rate, nowMs: number) {
        this.#rate = rate;
        this.#level = rate.count * rate.perMs;
        this.#filledMs = nowMs;
    }

    /** Takes one. Answers 0, or, if there is none, how many milliseconds until there is. */
    take(nowMs: number): number {
        const { count, perMs } = this.#rate;
        this.#fill(nowMs);
        if (this.#level >= perMs) {
            this.#level -= perMs;
            return 0;
        }
        return Math.ceil((perMs - this.#level) / count);
    }

    /** Takes so many, on credit if there are not enough; the most that can be owed is what it holds. */
    drain(tokens: number, nowMs: number): void {
        const { count, perMs } = this.#rate;
        this.#fill(nowMs);
        this.#level = Math.max(-count * perMs, this.#level - tokens * perMs);
    }

    /** A clock that goes back fills nothing. */
    #fill(nowMs: number): void {
        const { count, perMs } = this.#rate;
        this.#level = Math.min(count * perMs, this.#level + Math.max(0, nowMs - this.#filledMs) * count);
        this.#filledMs = Math.max(this.#filledMs, nowMs);
    }
}

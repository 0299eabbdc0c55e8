/** How often a client may speak. What comes too fast is refused with a word; who doesn't heed it is closed. */

import type { Rate } from '../config/values.ts';
import { TokenBucket } from './token-bucket.ts';

/** What becomes of a message. */
export type MessageVerdict =
    | { readonly type: 'pass' }
    /** Not handled; the client is told when to come again. */
    | { readonly type: 'refuse'; readonly retryAfterMs: number }
    /** Told too often. */
    | { readonly type: 'close'; readonly retryAfterMs: number };

/** Refusals that follow each other: one line of the log tells of all. */
export type Burst = { readonly refused: number; readonly lastedMs: number };

const PASS: MessageVerdict = { type: 'pass' };

/**
 * One per socket.
 *
 * A burst begins with a refusal and ends with a whole period without one; more refusals in it than messages are allowed
 * in a period close the socket.
 */
export class MessageLimit {
    readonly #rate: Rate;
    readonly #bucket: TokenBucket;
    readonly #onBurst: (burst: Burst) => void;
    #refused = 0;
    #begunMs = 0;
    #lastMs = 0;

    constructor(rate: Rate, nowMs: number, onBurst: (burst: Burst) => void) {
        this.#rate = rate;
        this.#bucket = new TokenBucket(rate, nowMs);
        this.#onBurst = onBurst;
    }

    /** A message has come. */
    judge(nowMs: number): MessageVerdict {
        if (this.#refused > 0 && nowMs - this.#lastMs >= this.#rate.perMs) this.end();
        const retryAfterMs = this.#bucket.take(nowMs);
        if (retryAfterMs === 0) return PASS;
        if (this.#refused === 0) this.#begunMs = nowMs;
        this.#refused += 1;
        this.#lastMs = nowMs;
        return { type: this.#refused > this.#rate.count ? 'close' : 'refuse', retryAfterMs };
    }

    /** The socket has ended: tells of the burst there is, if there is one. */
    end(): void {
        if (this.#refused === 0) return;
        this.#onBurst({ refused: this.#refused, lastedMs: this.#lastMs - this.#begunMs });
        this.#refused = 0;
    }
}

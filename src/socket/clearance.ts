/** What a subscription's right to read rests on: the last pin, and the changes of access met in the stream since. Pure. */

import type { AccessChange } from '../fanout/index.ts';
import type { RevocationReason } from '../protocol/index.ts';

/** A pin counts if its snapshot has seen every change met: `can_read` on an older one says what was, not what is. */
export class Clearance {
    /** The stream's head in the snapshot of the last pin. */
    #seen = 0;
    /** The last change met that `#seen` does not cover; 0 if there is none. */
    #needed = 0;
    #reason: RevocationReason = 'revoked';

    /** What the reader is told if it turns out that the right is gone. */
    get reason(): RevocationReason {
        return this.#reason;
    }

    /** Notes a change. False if the last pin's snapshot knew of it already, as it may where the tail lags. */
    question({ gseq, reason }: Pick<AccessChange, 'gseq' | 'reason'>): boolean {
        if (gseq <= this.#seen) return false;
        this.#needed = Math.max(this.#needed, gseq);
        if (reason === 'deleted') this.#reason = reason;
        return true;
    }

    /** Whether a snapshot with this head has seen every change met. */
    isCoveredBy(gseq: number): boolean {
        return gseq >= this.#needed;
    }

    /** A pin that allows and covers was taken in. */
    settle(gseq: number): void {
        this.#seen = gseq;
        this.#needed = 0;
        this.#reason = 'revoked';
    }

    /** Another epoch counts anew. */
    forget(): void {
        this.settle(0);
    }
}

/** How many bytes the bodies of all requests under way may take together: one each is little, thousands at once are not. */

import { TidingsError } from '../errors.ts';

const RETRY_MS = 1000;

/** One per server. */
export class BodyBudget {
    readonly #mostBytes: number;
    #takenBytes = 0;

    constructor(mostBytes: number) {
        this.#mostBytes = mostBytes;
    }

    /** The share of one request, nothing yet. */
    share(): BodyShare {
        let heldBytes = 0;
        return {
            take: (bytes) => {
                if (this.#takenBytes + bytes > this.#mostBytes) {
                    const message = 'expected fewer requests with a body under way on this server';
                    throw new TidingsError('unavailable', message, { retryAfterMs: RETRY_MS });
                }
                heldBytes += bytes;
                this.#takenBytes += bytes;
            },
            release: () => {
                this.#takenBytes -= heldBytes;
                heldBytes = 0;
            },
        };
    }
}

/** What one request takes of the budget. */
export type BodyShare = {
    /** @throws TidingsError `unavailable` if all of them together hold too much */
    take(bytes: number): void;
    /** The request is done. */
    release(): void;
};

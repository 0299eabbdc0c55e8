/** Lets one through in a turn of the event loop: many requests that come at once leave room for everything else between them. */

/** Resolves when it is the caller's turn; first come, first served, and at once if nobody else came in this turn. */
export type Turnstile = () => Promise<void>;

/** Makes one. `atTurnEnd` is a parameter for tests. */
export function createTurnstile(atTurnEnd: (run: () => void) => void = setImmediate): Turnstile {
    const waiting: (() => void)[] = [];
    let isTaken = false;

    function advance(): void {
        const next = waiting.shift();
        if (next === undefined) {
            isTaken = false;
            return;
        }
        next();
        atTurnEnd(advance);
    }

    return () => {
        if (isTaken) return new Promise((resolve) => void waiting.push(resolve));
        isTaken = true;
        atTurnEnd(advance);
        return Promise.resolve();
    };
}

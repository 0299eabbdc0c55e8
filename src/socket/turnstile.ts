/** Lets a few through in a turn of the event loop: many who come at once leave room for everything else between them. */

/** Resolves when it is the caller's turn; first come, first served, and at once if few came in this turn. */
export type Turnstile = () => Promise<void>;

/** Lets `perTurn` through in a turn. `atTurnEnd` is a parameter for tests. */
export function createTurnstile(
    perTurn: number,
    atTurnEnd: (run: () => void) => void = (run) => void setImmediate(run),
): Turnstile {
    const waiting: (() => void)[] = [];
    let passed = 0;

    function advance(): void {
        passed = Math.min(perTurn, waiting.length);
        for (const pass of waiting.splice(0, perTurn)) pass();
        if (passed > 0) atTurnEnd(advance);
    }

    return () => {
        if (passed === perTurn) return new Promise((resolve) => void waiting.push(resolve));
        if (passed === 0) atTurnEnd(advance);
        passed += 1;
        return Promise.resolve();
    };
}

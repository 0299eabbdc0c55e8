/** Time as the socket core needs it, so that its tests need none. */

/** Undoes a timer. */
export type Cancel = () => void;

/** Now, later, and at the end of this turn of the event loop. */
export type Clock = {
    /** For spans of time: goes on evenly whatever is done to the wall clock. */
    nowMs(): number;
    /** The time of day, which tokens are bound to. */
    wallMs(): number;
    after(delayMs: number, run: () => void): Cancel;
    atTurnEnd(run: () => void): void;
};

/** The longest delay a timer takes; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The process's clock. A delay beyond 24 days fires after those; who needs more asks again. Timers keep no process alive. */
export const systemClock: Clock = {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    after(delayMs, run) {
        const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), LONGEST_MS));
        timer.unref();
        return () => clearTimeout(timer);
    },
    atTurnEnd: (run) => void setImmediate(run),
};

/** How late this process is with its work: the lateness of a timer, which grows when the event loop has more than it can do. */

/** How often the timer is to ring. */
export const TICK_MS = 100;

/** Half of them have to be late: a pause of the garbage collector is one. */
const TICKS = 5;

/** Told of each tick. The clock is the caller's. */
export class LoopLag {
    readonly #lateMs: number[] = [];
    #lastMs: number | null = null;

    /** The timer has rung. */
    tick(nowMs: number): void {
        if (this.#lastMs !== null) this.#lateMs.push(Math.max(0, nowMs - this.#lastMs - TICK_MS));
        if (this.#lateMs.length > TICKS) this.#lateMs.shift();
        this.#lastMs = nowMs;
    }

    /** The median lateness of the last ticks; 0 until there are enough. */
    get ms(): number {
        if (this.#lateMs.length < TICKS) return 0;
        return this.#lateMs.toSorted((a, b) => a - b)[TICKS >> 1] ?? 0;
    }
}

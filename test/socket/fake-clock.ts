/** A clock a test moves by hand. */

import type { Cancel, Clock } from '../../src/socket/clock.ts';

export class FakeClock implements Clock {
    #nowMs = 1_800_000_000_000;
    #timers: { atMs: number; run: () => void }[] = [];
    #turn: (() => void)[] = [];

    nowMs(): number {
        return this.#nowMs;
    }

    wallMs(): number {
        return this.#nowMs;
    }

    /** Timers are cut at the longest a real one takes. */
    after(delayMs: number, run: () => void): Cancel {
        const timer = { atMs: this.#nowMs + Math.min(delayMs, 2 ** 31 - 1), run };
        this.#timers.push(timer);
        return () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
        };
    }

    atTurnEnd(run: () => void): void {
        this.#turn.push(run);
    }

    get pendingTimers(): number {
        return this.#timers.length;
    }

    /** Ends turns until there is nothing left to do: promises settle in between. */
    async settle(): Promise<void> {
        for (let quiet = 0; quiet < 3; quiet += 1) {
            await new Promise((resolve) => setImmediate(resolve));
            const due = this.#turn;
            this.#turn = [];
            if (due.length > 0) quiet = 0;
            for (const run of due) run();
        }
    }

    /** Moves on, firing what falls due in order. */
    async pass(ms: number): Promise<void> {
        const endMs = this.#nowMs + ms;
        for (;;) {
            await this.settle();
            const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
            if (next === undefined) break;
            this.#timers = this.#timers.filter((timer) => timer !== next);
            this.#nowMs = Math.max(this.#nowMs, next.atMs);
            next.run();
        }
        this.#nowMs = endMs;
        await this.settle();
    }
}

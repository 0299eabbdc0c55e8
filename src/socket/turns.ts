/** Shares the event loop between all that feed sockets: step by step, a few milliseconds a turn, first come first served. */

import type { Clock } from './clock.ts';

/** Has a step run soon. Steps must be short and must not throw. */
export type Turns = (step: () => void) => void;

/** How long steps may run before the event loop gets to read and write again. */
const BUDGET_MS = 2;

/** Makes a queue of steps. */
export function createTurns(clock: Pick<Clock, 'nowMs' | 'atTurnEnd'>): Turns {
    let waiting: (() => void)[] = [];
    let scheduled = false;

    function schedule(): void {
        if (scheduled || waiting.length === 0) return;
        scheduled = true;
        clock.atTurnEnd(run);
    }

    function run(): void {
        scheduled = false;
        const due = waiting;
        waiting = [];
        const endMs = clock.nowMs() + BUDGET_MS;
        let done = 0;
        while (done < due.length && (done === 0 || clock.nowMs() < endMs)) due[done++]?.();
        waiting = done < due.length ? [...due.slice(done), ...waiting] : waiting;
        schedule();
    }

    return (step) => {
        waiting.push(step);
        schedule();
    };
}

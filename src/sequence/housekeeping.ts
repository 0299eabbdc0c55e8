/** Does the chores while the server runs, each at its own pace; one that fails is tried again at its next time. */

import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import type { Database } from '../store/connect.ts';
import type { Chore } from './chores.ts';

export type HousekeepingOptions = {
    readonly sql: Database;
    readonly observe: Observe;
    readonly chores: readonly Chore[];
};

/** Housekeeping is told when something was numbered, so that an idle server asks nothing. */
export type Housekeeping = Service & { numbered(): void };

/** Each chore is done at the start and then at its times; one that is still at work is not begun again. */
export function createHousekeeping({ sql, observe, chores }: HousekeepingOptions): Housekeeping {
    const timers: NodeJS.Timeout[] = [];
    const underWay = new Map<Chore, Promise<void>>();
    /** Chores that wait for something to be numbered. */
    const idle = new Set<Chore>();
    let stopped = false;

    async function work(chore: Chore): Promise<void> {
        try {
            let done: number;
            do {
                done = await chore.work(sql);
            } while (!stopped && done === chore.piece);
        } catch (error) {
            // It has not been done, whatever it waited for.
            idle.delete(chore);
            observe({ type: 'service.failed', service: `housekeeping: ${chore.name}`, error });
        }
        underWay.delete(chore);
    }

    function begin(chore: Chore): void {
        if (stopped || underWay.has(chore) || idle.has(chore)) return;
        if (chore.onlyIfNumbered) idle.add(chore);
        underWay.set(chore, work(chore));
    }

    return {
        name: 'housekeeping',
        numbered: () => idle.clear(),
        async start() {
            for (const chore of chores) {
                timers.push(setInterval(() => begin(chore), chore.everyMs));
                begin(chore);
            }
        },
        async stop() {
            stopped = true;
            for (const timer of timers.splice(0)) clearInterval(timer);
            await Promise.all(underWay.values());
        },
    };
}

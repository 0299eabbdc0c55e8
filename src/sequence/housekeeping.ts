/** Keeps the log in shape while the server runs: partitions ahead of time, topic heads flushed, old answers purged. */

import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import type { Database } from '../store/connect.ts';
import { createPartitions, flushHeads, purgeIdempotency } from '../store/keep-house.ts';

export type HousekeepingOptions = {
    readonly sql: Database;
    readonly observe: Observe;
    readonly flushEveryMs?: number;
    readonly hourlyMs?: number;
};

/** Housekeeping is told when something was numbered, so that an idle server asks nothing. */
export type Housekeeping = Service & { numbered(): void };

const HOUR_MS = 3_600_000;

/** Any number of servers may keep house; the functions let one at a time work. */
export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
    const { sql, observe, flushEveryMs = 5000, hourlyMs = HOUR_MS } = options;
    const timers: NodeJS.Timeout[] = [];
    const underWay = new Set<Promise<unknown>>();
    let dirty = true;

    function attempt(chore: () => Promise<unknown>): void {
        const work = chore()
            .catch((error: unknown) => observe({ type: 'service.failed', service: 'housekeeping', error }))
            .finally(() => underWay.delete(work));
        underWay.add(work);
    }

    function hourly(): void {
        attempt(() => createPartitions(sql));
        attempt(() => purgeIdempotency(sql));
    }

    async function flush(): Promise<void> {
        if (dirty) {
            dirty = false;
            await flushHeads(sql);
        }
    }

    return {
        name: 'housekeeping',
        numbered() {
            dirty = true;
        },
        async start() {
            hourly();
            timers.push(
                setInterval(() => attempt(flush), flushEveryMs),
                setInterval(hourly, hourlyMs),
            );
        },
        async stop() {
            for (const timer of timers.splice(0)) {
                clearInterval(timer);
            }
            await Promise.allSettled(underWay);
        },
    };
}

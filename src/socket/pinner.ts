/** Collects the pins asked for in one turn of the event loop, over all sockets, into one query. */

import type { Observe } from '../observe.ts';
import type { Pin, PinRequest, TopicLog } from '../store/topic-log.ts';
import type { Clock } from './clock.ts';

/** Pins one subscription; many calls become few queries. Null if it can't be had now; never rejects. */
export type Pinner = (request: PinRequest) => Promise<Pin | null>;

type Waiting = { readonly request: PinRequest; readonly resolve: (pin: Pin | null) => void };

/** Queries under way at once: while they are busy, the next one grows instead of the database's queue. */
const MOST_QUERIES = 4;

/** Requests in one query: what a whole process asks at once must not outlast a statement's time. */
const MOST_REQUESTS = 5000;

/** Makes a pinner over a log. A query that fails is observed once, however many asked. */
export function createPinner(log: Pick<TopicLog, 'pin'>, clock: Pick<Clock, 'atTurnEnd'>, observe: Observe): Pinner {
    const waiting: Waiting[] = [];
    let queries = 0;
    let scheduled = false;

    function schedule(): void {
        if (scheduled || queries >= MOST_QUERIES || waiting.length === 0) return;
        scheduled = true;
        clock.atTurnEnd(() => {
            scheduled = false;
            void ask();
        });
    }

    async function ask(): Promise<void> {
        const asked = waiting.splice(0, MOST_REQUESTS);
        queries += 1;
        schedule();
        const pins = await query(asked.map(({ request }) => request));
        asked.forEach(({ resolve }, place) => {
            resolve(pins[place] ?? null);
        });
        queries -= 1;
        schedule();
    }

    async function query(requests: readonly PinRequest[]): Promise<readonly Pin[]> {
        try {
            const pins = await log.pin(requests);
            if (pins.length === requests.length) return pins;
            throw new TypeError(`expected ${requests.length} pins, got ${pins.length}`);
        } catch (error) {
            observe({ type: 'handler.failed', where: 'pin', error });
            return [];
        }
    }

    return (request) =>
        new Promise((resolve) => {
            waiting.push({ request, resolve });
            schedule();
        });
}

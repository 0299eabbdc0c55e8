/** Collects the pins asked for in one turn of the event loop, over all sockets, into one query. */

import type { Pin, PinRequest, TopicLog } from '../store/topic-log.ts';
import type { Clock } from './clock.ts';

/** Pins one subscription; many calls become few queries. */
export type Pinner = (request: PinRequest) => Promise<Pin>;

type Waiting = {
    readonly request: PinRequest;
    readonly resolve: (pin: Pin) => void;
    readonly reject: (error: unknown) => void;
};

/** Queries under way at once: while they are busy, the next one grows instead of the database's queue. */
const MOST_QUERIES = 4;

/** Makes a pinner over a log. */
export function createPinner(log: Pick<TopicLog, 'pin'>, clock: Pick<Clock, 'atTurnEnd'>): Pinner {
    let waiting: Waiting[] = [];
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
        const asked = waiting;
        waiting = [];
        queries += 1;
        try {
            const pins = await log.pin(asked.map(({ request }) => request));
            asked.forEach(({ resolve, reject }, place) => {
                const pin = pins[place];
                if (pin === undefined) reject(new TypeError(`expected ${asked.length} pins, got ${pins.length}`));
                else resolve(pin);
            });
        } catch (error) {
            for (const { reject } of asked) reject(error);
        } finally {
            queries -= 1;
            schedule();
        }
    }

    return (request) =>
        new Promise((resolve, reject) => {
            waiting.push({ request, resolve, reject });
            schedule();
        });
}

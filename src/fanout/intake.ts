/** Where batches come in: inbox events that somebody reads are filled before they are published, the others at once. */

import { isInboxEvent, type LoggedEvent } from '../event.ts';
import type { Observe } from '../observe.ts';
import type { Batch, Hub } from './hub.ts';

/** What an intake works with. */
export type IntakePorts = {
    readonly hub: Pick<Hub, 'publish' | 'readers'>;
    /** Gives the inbox events among these their data; answers as many, in their order. */
    readonly fill: (events: readonly LoggedEvent[]) => Promise<readonly LoggedEvent[]>;
    readonly observe: Observe;
    readonly pause?: (delayMs: number) => Promise<void>;
};

const TRIES = 5;
const RETRY_MS = 200;

/**
 * Takes a batch. Nothing is answered if it has been published; else a promise that resolves once it has: the next batch must
 * wait for it. Data that cannot be had for a second goes out as the log has it, an id: late news would be worse.
 */
export function createIntake(ports: IntakePorts): (batch: Batch) => Promise<void> | undefined {
    const { hub, fill, observe, pause = sleep } = ports;

    const wanted = (event: LoggedEvent, filled: ReadonlySet<LoggedEvent>) =>
        isInboxEvent(event) && !filled.has(event) && hub.readers(event.topic) > 0;

    function take(batch: Batch): Promise<void> | undefined {
        const none = new Set<LoggedEvent>();
        if (batch.events.some((event) => wanted(event, none))) return takeFilled(batch);
        hub.publish(batch);
        return undefined;
    }

    /** Readers may come while others' events are filled, so it is asked again until none is missing. */
    async function takeFilled(batch: Batch): Promise<void> {
        const events = [...batch.events];
        const done = new Set<LoggedEvent>();
        for (;;) {
            const places = [...events.keys()].filter((place) => wanted(events[place] as LoggedEvent, done));
            if (places.length === 0) break;
            const filled = await tryToFill(places.map((place) => events[place] as LoggedEvent));
            places.forEach((place, index) => {
                const event = filled[index] ?? (events[place] as LoggedEvent);
                events[place] = event;
                done.add(event);
            });
        }
        hub.publish({ ...batch, events });
    }

    async function tryToFill(events: readonly LoggedEvent[]): Promise<readonly LoggedEvent[]> {
        for (let tried = 1; tried < TRIES; tried += 1) {
            try {
                return await fill(events);
            } catch (error) {
                observe({ type: 'handler.failed', where: 'inbox frames', error });
                await pause(RETRY_MS);
            }
        }
        return events;
    }

    return take;
}

function sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void setTimeout(resolve, delayMs));
}

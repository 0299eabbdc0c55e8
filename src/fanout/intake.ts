/** Where batches come in: inbox events that somebody reads are filled first, on a lane of their own, so that nobody else waits. */

import { CONTROL_TOPIC, isInboxEvent, type LoggedEvent, RESET_EVENT, type Topic } from '../event.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';
import type { Batch, Hub } from './hub.ts';

/** What an intake works with. */
export type IntakePorts = {
    readonly hub: Pick<Hub, 'publish' | 'readers'>;
    /** Gives the inbox events among these their data; answers as many, in their order. */
    readonly fill: (events: readonly LoggedEvent[]) => Promise<readonly LoggedEvent[]>;
    readonly observe: Observe;
    readonly nowMs?: () => number;
    /** Waits before another try. */
    readonly pause?: Pick<ReturnType<typeof createPause>, 'wait' | 'end'>;
};

/** Takes what the tail reads. */
export type Intake = Service & {
    /** Takes the next batch. What it answers, if anything, resolves when there is room for another. */
    take(batch: Batch): Promise<void> | undefined;
    /** Another epoch has begun: what is on the lane is void. */
    clear(): void;
};

/** Events on the lane from which on the tail has to wait. */
const MOST_WAITING = 10_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;
/** Data that cannot be had for so long is given up. */
const GIVE_UP_MS = 10_000;

/**
 * Makes an intake. Order is kept within each topic, which is all that is promised: a topic with an event on the lane sends
 * everything that follows there, too; all others are published at once. The engine's own signals are overtaken by nothing and
 * overtake nothing. One query fills all that came while the one before was under way, so a batch costs at most one, and none
 * if nobody here reads an inbox it tells of.
 *
 * Where filling fails it is tried again; then a `reset` takes the place of what could not be filled, and readers load their
 * inbox anew: a frame without its data would be none they know.
 */
export function createIntake(ports: IntakePorts): Intake {
    const { hub, fill, observe, nowMs = () => performance.now(), pause = createPause() } = ports;
    let epoch = '';
    /** Changes when what is being filled has become void. */
    let round = 0;
    let waiting: LoggedEvent[] = [];
    /** Topics with an event that waits or is being filled; all of them, if a signal is among those. */
    let held = new Set<Topic>();
    let running: Promise<void> | undefined;
    let stopped = false;

    function take(batch: Batch): Promise<void> | undefined {
        if (batch.epoch !== epoch) clear();
        epoch = batch.epoch;
        const events = batch.events.filter((event) => !isHeld(event));
        hub.publish(events.length === batch.events.length ? batch : { ...batch, events });
        if (waiting.length > 0) running ??= work();
        return waiting.length > MOST_WAITING ? running : undefined;
    }

    /** Puts an event on the lane if it belongs there. */
    function isHeld(event: LoggedEvent): boolean {
        const isNext = held.has(event.topic) || held.has(CONTROL_TOPIC);
        const mustWait = event.topic === CONTROL_TOPIC ? held.size > 0 : isNext;
        const isWanted = !stopped && isInboxEvent(event) && hub.readers(event.topic) > 0;
        if (!mustWait && !isWanted) return false;
        held.add(event.topic);
        waiting.push(event);
        return true;
    }

    async function work(): Promise<void> {
        while (waiting.length > 0) {
            const events = waiting;
            const begun = round;
            waiting = [];
            const filled = await fillOrReset(events, () => begun !== round);
            if (begun !== round) continue;
            held = new Set(waiting.map(({ topic }) => topic));
            hub.publish({ events: filled, epoch, gseq: filled.at(-1)?.gseq ?? 0 });
        }
        running = undefined;
    }

    async function fillOrReset(events: readonly LoggedEvent[], isVoid: () => boolean): Promise<readonly LoggedEvent[]> {
        const sinceMs = nowMs();
        for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)) {
            try {
                return await fill(events);
            } catch (error) {
                observe({ type: 'handler.failed', where: 'inbox frames', error });
            }
            if (isVoid() || nowMs() - sinceMs >= GIVE_UP_MS) return events.map(toReset);
            await pause.wait(retryMs);
            if (isVoid()) return [];
        }
    }

    function clear(): void {
        round += 1;
        waiting = [];
        held = new Set();
    }

    return {
        name: 'intake',
        take,
        clear,
        async start() {},
        async stop() {
            stopped = true;
            clear();
            pause.end();
            await running;
        },
    };
}

function toReset(event: LoggedEvent): LoggedEvent {
    return isInboxEvent(event) ? { ...event, event: RESET_EVENT, data: '{"reason":"lag"}' } : event;
}

/** Where a client of server-sent events is in each of its topics, read off the frames in the order they go out. */

import type { Topic } from '../event.ts';
import { placeOf, type ServerFrame } from '../protocol/index.ts';
import { formatEventId, type MarkedPosition, markOf, type Position } from './event-id.ts';

/** The topics asked for, each with the place to go on from, or null. */
export type Starts = ReadonlyMap<Topic, Position | null>;

/** A topic is where the client said until its `subscribed` goes out: what comes before is of others, and must not move it. */
export class EventPositions {
    readonly #starts: Starts;
    readonly #positions = new Map<Topic, MarkedPosition>();

    constructor(starts: Starts) {
        this.#starts = starts;
        for (const [topic, position] of starts) if (position !== null) this.#move(topic, position);
    }

    /** Takes in a frame that goes out now: text is an answer or a reset, bytes are an event, whose id it answers. */
    note(frame: string | Buffer): string | null {
        if (typeof frame === 'string') {
            this.#heed(JSON.parse(frame) as ServerFrame);
            return null;
        }
        const { topic, seq } = placeOf(frame);
        const at = this.#positions.get(topic);
        if (at !== undefined) this.#move(topic, { seq, epoch: at[1].epoch });
        return formatEventId(this.#positions.values());
    }

    #heed(frame: ServerFrame): void {
        switch (frame.type) {
            case 'subscribed':
                this.#move(frame.topic, this.#placeAfter(frame));
                break;
            case 'reset':
                this.#move(frame.topic, frame);
                break;
            case 'unsubscribed':
            case 'error':
                if (frame.topic !== undefined) this.#positions.delete(frame.topic);
                break;
        }
    }

    #placeAfter(frame: ServerFrame & { readonly type: 'subscribed' }): Position {
        const asked = this.#starts.get(frame.topic) ?? null;
        return frame.outcome === 'resumed' && asked !== null ? asked : frame;
    }

    #move(topic: Topic, { seq, epoch }: Position): void {
        const mark = this.#positions.get(topic)?.[0] ?? markOf(topic);
        this.#positions.set(topic, [mark, { seq, epoch }]);
    }
}

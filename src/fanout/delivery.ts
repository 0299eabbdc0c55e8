/** One row of the log on its way to sockets: encoded once, when first needed, and shared by all of them. */

import { type LoggedEvent, RESET_EVENT, type Topic } from '../event.ts';
import { encodeEvent, type ResetReason } from '../protocol/index.ts';

/** An event, or the row that stands where something was lost (`reset` is then its reason and there is no frame). */
export type Delivery = {
    readonly topic: Topic;
    readonly seq: number;
    readonly gseq: number;
    /** The base epoch the row was read in. */
    readonly epoch: string;
    readonly frame: Buffer;
    readonly reset: ResetReason | null;
    /** What it takes in memory, at most: for those who keep some. */
    readonly bytes: number;
};

const NO_FRAME = Buffer.alloc(0);

/** Objects, and the text of the fields other than `data`. */
const FIXED_BYTES = 600;
/** The most a character of `data` takes, as text or as UTF-8. */
const BYTES_PER_CHAR = 3;

/** Holds the row until somebody needs its frame, and the frame from then on. */
class LoggedDelivery implements Delivery {
    readonly topic: Topic;
    readonly seq: number;
    readonly gseq: number;
    readonly epoch: string;
    readonly reset: ResetReason | null;
    readonly bytes: number;
    #event: LoggedEvent | null;
    #frame = NO_FRAME;

    constructor(event: LoggedEvent, epoch: string) {
        this.topic = event.topic;
        this.seq = event.seq;
        this.gseq = event.gseq;
        this.epoch = epoch;
        this.reset = event.event === RESET_EVENT ? readReason(event.data) : null;
        this.bytes = FIXED_BYTES + BYTES_PER_CHAR * event.data.length;
        this.#event = this.reset === null ? event : null;
    }

    get frame(): Buffer {
        if (this.#event !== null) {
            this.#frame = Buffer.from(encodeEvent(this.#event));
            this.#event = null;
        }
        return this.#frame;
    }
}

/** Makes a row ready to be sent. A `reset` frame carries its reader's epoch, so it is made where it is read. */
export function toDelivery(event: LoggedEvent, epoch: string): Delivery {
    return new LoggedDelivery(event, epoch);
}

/** The reason in a reset row's data; `capture_error` if it can't be read, as something was lost in any case. */
export function readReason(data: string): ResetReason {
    const reason = parseObject(data)['reason'];
    return reason === 'lag' || reason === 'epoch' ? reason : 'capture_error';
}

/** The fields of a reserved row; none if its text is not an object. */
export function parseObject(data: string): Readonly<Record<string, unknown>> {
    try {
        const value: unknown = JSON.parse(data);
        return typeof value === 'object' && value !== null ? { ...value } : {};
    } catch {
        return {};
    }
}

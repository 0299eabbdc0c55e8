/** One row of the log on its way to sockets: encoded once, shared by all of them. */

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
};

const NO_FRAME = Buffer.alloc(0);

/** Encodes a row. A `reset` frame carries its reader's epoch, so it is made where it is read. */
export function toDelivery(event: LoggedEvent, epoch: string): Delivery {
    const { topic, seq, gseq } = event;
    if (event.event === RESET_EVENT) return { topic, seq, gseq, epoch, frame: NO_FRAME, reset: readReason(event.data) };
    return { topic, seq, gseq, epoch, frame: Buffer.from(encodeEvent(event)), reset: null };
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

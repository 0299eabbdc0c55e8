/** A `reset` frame for one reader, with what is needed to owe it when the socket takes nothing. */

import type { Topic } from '../event.ts';
import { encodeFrame, type ResetReason } from '../protocol/index.ts';

/** A reset on its way; `base` is the base epoch it was made in. */
export type ResetNotice = {
    readonly kind: 'reset';
    readonly seq: number;
    readonly base: string;
    readonly reason: ResetReason;
    readonly frame: string;
};

/** Makes the notice: the topic is to be loaded anew, live events go on after `seq`. */
export function toNotice(topic: Topic, seq: number, epoch: string, reason: ResetReason): ResetNotice {
    return {
        kind: 'reset',
        seq,
        base: baseOf(epoch),
        reason,
        frame: encodeFrame({ type: 'reset', topic, seq, epoch, reason }),
    };
}

/** The database's part of a topic's epoch: what stands before the gseq of a floor. */
export function baseOf(epoch: string): string {
    const dot = epoch.indexOf('.');
    return dot === -1 ? epoch : epoch.slice(0, dot);
}

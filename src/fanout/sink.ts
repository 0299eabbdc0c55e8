/** Who a hub delivers to. */

import type { ResetReason } from '../protocol/index.ts';
import type { Delivery } from './delivery.ts';

/** Something was lost in a whole kind (null: in any): positions from before `gseq` are void. */
export type Floor = {
    readonly kind: string | null;
    readonly gseq: number;
    /** The base epoch the row was read in. */
    readonly base: string;
    /** What the kind's topics' epoch is from now on. */
    readonly epoch: string;
    readonly reason: ResetReason;
};

/** A reader of one topic. Calls come synchronously, in stream order; they must not block. */
export type Sink = {
    deliver(delivery: Delivery): void;
    floor(floor: Floor): void;
    /** `deliver` or `floor` threw: the hub has let go of the sink. */
    failed(error: unknown): void;
};

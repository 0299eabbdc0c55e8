/** The port between a reader of a topic and its socket: what the one sends and asks for, what the other gives. */

import type { Delivery } from '../fanout/index.ts';
import type { ResetNotice } from './reset-notice.ts';

/** What a reader sends: a row of the log, or a reset. */
export type Outgoing = Delivery | ResetNotice;

/** A range of the log to read; `ticket` tells whether the reader still means it when the rows come. */
export type Wanted = {
    readonly after: number;
    readonly upto: number;
    readonly epoch: string;
    readonly ticket: number;
};

/** A reader as its socket sees it. */
export type Reader = {
    readonly topic: string;
    /** The range of the log it needs next, or null. */
    wanted(): Wanted | null;
    /**
     * Rows of what was wanted, in order. A gap in them means they are gone from the log. False if they came too late to
     * mean anything.
     */
    fed(wanted: Wanted, page: readonly Delivery[]): boolean;
    /** An item the socket did not take after all: it is owed, or read from the log later. */
    unsent(item: Outgoing): void;
};

/** What a reader may ask of its socket. */
export type Outlet = {
    /** Whether frames are taken now; false while the socket is too slow. */
    accepting(): boolean;
    push(item: Outgoing, owner: Reader): void;
    /** `owner.wanted()` is to be read from the log. */
    feed(owner: Reader): void;
    /** `owner` is to be pinned again. */
    repin(owner: Reader): void;
    /** `deliver` or `floor` threw. */
    failed(error: unknown): void;
};

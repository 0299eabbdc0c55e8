/** How rows and resets go from a reader to its socket: counted as they go, taken back if the socket did not take them. */

import type { Delivery } from '../fanout/index.ts';
import type { ResetReason } from '../protocol/index.ts';
import type { Outgoing, Outlet, Reader } from './outlet.ts';
import type { Place } from './place.ts';
import { type ResetNotice, toNotice } from './reset-notice.ts';

/** Moves its reader's cursor. */
export class Handover {
    readonly #reader: Reader;
    readonly #outlet: Outlet;
    readonly #place: Place;
    /** A reset the socket did not take yet; the last one counts. */
    #owed: ResetNotice | null = null;

    constructor(reader: Reader, outlet: Outlet, place: Place) {
        this.#reader = reader;
        this.#outlet = outlet;
        this.#place = place;
    }

    /** Hands on a row, the one after the cursor. */
    send(delivery: Delivery): void {
        this.#place.cursor = delivery.seq;
        this.#outlet.push(
            delivery.reset === null ? delivery : this.#notice(delivery.seq, delivery.reset),
            this.#reader,
        );
    }

    /** Gives up what lies before `seq`: the reader is told to load the topic anew, as soon as its socket takes that. */
    reset(seq: number, reason: ResetReason): void {
        this.#owe(this.#notice(seq, reason));
        this.pay();
    }

    /** Hands on the reset that is owed, if the socket takes it. */
    pay(): void {
        const owed = this.#owed;
        if (owed === null || !this.#outlet.accepting()) return;
        this.#owed = null;
        this.#outlet.push(owed, this.#reader);
    }

    /** Takes an item back: a reset is owed again, a row is in the log. False if it is of an epoch that has ended. */
    takeBack(item: Outgoing): boolean {
        const isNotice = 'kind' in item;
        if ((isNotice ? item.base : item.epoch) !== this.#place.base) return false;
        this.#place.stepBack(isNotice ? item.seq : item.seq - 1);
        if (isNotice) this.#owe(item);
        return true;
    }

    /** Another epoch: what was owed in the old one means nothing. */
    forget(): void {
        this.#owed = null;
    }

    #notice(seq: number, reason: ResetReason): ResetNotice {
        return toNotice(this.#reader.topic, seq, this.#place.epoch, reason);
    }

    #owe(notice: ResetNotice): void {
        this.#owed = notice;
        this.#place.cursor = notice.seq;
    }
}

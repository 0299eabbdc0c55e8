/** Where a reader stands in its topic: what it was handed, what is known to be in the log, what was kept meanwhile. Pure. */

import type { Delivery } from '../fanout/index.ts';
import type { Pin } from '../store/topic-log.ts';
import { Backlog } from './backlog.ts';
import { baseOf } from './reset-notice.ts';

/** Its fields are read for every delivery, hence no accessors. */
export class Place {
    /** The last seq handed to the socket. */
    cursor = 0;
    /** The topic's epoch as the reader was told; empty before the first pin. */
    epoch = '';
    /** The base epoch that rows must be of. */
    base = '';
    #known = 0;
    readonly #backlog = new Backlog();

    /** How far the topic is, as far as is known here. */
    get head(): number {
        return Math.max(this.#known, this.#backlog.seen, this.cursor);
    }

    /** The highest seq known to be in the log, whether it was published here or not. */
    get known(): number {
        return this.#known;
    }

    /** The last seq of a base epoch that was published here while the reader was not live. */
    seenIn(base: string): number {
        return this.#backlog.base === base ? this.#backlog.seen : 0;
    }

    /** How far the log has to be read; what comes after is kept here. */
    get goal(): number {
        return Math.max(this.#known, this.#backlog.firstSeq - 1);
    }

    /** Takes in where a pin says the topic is; the cursor stays. */
    pin({ epoch, head }: Pin): void {
        const base = baseOf(epoch);
        this.#known = base === this.base ? Math.max(this.#known, head) : head;
        this.epoch = epoch;
        this.base = base;
        this.#backlog.adopt(base);
    }

    /** Notes a delivery that can't be handed on yet; keeps it if asked to. */
    note(delivery: Delivery, keep: boolean): void {
        this.#backlog.note(delivery, keep);
    }

    /** Takes out what was kept and not handed on. */
    takeKept(): readonly Delivery[] {
        return this.#backlog.take().filter(({ seq }) => seq > this.cursor);
    }

    /** Forgets what was kept, not how far the topic is. */
    dropKept(): void {
        this.#backlog.drop();
    }

    /** What was handed on was not taken: the log has it. */
    stepBack(seq: number): void {
        this.#known = Math.max(this.#known, this.cursor);
        this.cursor = Math.min(this.cursor, seq);
    }
}

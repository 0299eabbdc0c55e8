/** Everything one socket is to be sent, in order. Drained once a turn, inside one cork, looking at every result. */

import type { Outgoing, Reader } from './outlet.ts';
import type { Wire } from './wire.ts';

/** What a flush came to: all handed over, or the socket takes no more and this many rows were given back. */
export type Flushed = { readonly stalled: boolean; readonly givenBack: number };

/**
 * Answers (`control`) and rows of the log (`push`) in one order. When the socket is too slow, rows go back to their
 * subscriptions, which will read them from the log; answers stay. So what is kept is bounded by what was asked.
 */
export class Outbox {
    readonly #wire: Wire;
    readonly #limitBytes: number;
    #items: (string | Outgoing)[] = [];
    #owners: (Reader | null)[] = [];

    /** `limitBytes` null: only what the transport itself drops counts as too slow. */
    constructor(wire: Wire, limitBytes: number | null) {
        this.#wire = wire;
        this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
    }

    get length(): number {
        return this.#items.length;
    }

    control(frame: string): void {
        this.#items.push(frame);
        this.#owners.push(null);
    }

    push(item: Outgoing, owner: Reader): void {
        this.#items.push(item);
        this.#owners.push(owner);
    }

    /** Hands over as much as the socket takes. */
    flush(): Flushed {
        let sent = 0;
        this.#wire.cork(() => {
            sent = this.#send();
        });
        const left = this.#items.length - sent;
        const stalled = left > 0 || this.#wire.bufferedBytes() > this.#limitBytes;
        return { stalled, givenBack: this.#giveBack(sent) };
    }

    /** Whether little enough is piled up to begin again. */
    drained(): boolean {
        return this.#wire.bufferedBytes() <= this.#limitBytes / 2;
    }

    /** How many items were sent. The pile is looked at only when the transport says there is one. */
    #send(): number {
        for (let i = 0; i < this.#items.length; i += 1) {
            const item = this.#items[i] ?? '';
            const result = this.#wire.send(typeof item === 'string' ? item : item.frame);
            if (result === 'dropped') return i;
            if (result === 'buffered' && this.#wire.bufferedBytes() > this.#limitBytes) return i + 1;
        }
        return this.#items.length;
    }

    #giveBack(sent: number): number {
        const items = this.#items.splice(sent);
        const owners = this.#owners.splice(sent);
        this.#items.length = 0;
        this.#owners.length = 0;
        let givenBack = 0;
        for (const [place, item] of items.entries()) {
            if (typeof item === 'string') this.control(item);
            else {
                owners[place]?.unsent(item);
                givenBack += 1;
            }
        }
        return givenBack;
    }
}

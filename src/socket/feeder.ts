/** Brings those readers of one socket forward that are behind: a page at a time, as fast as the socket takes them. */

import type { Delivery, Range, Replay } from '../fanout/index.ts';
import type { Clock } from './clock.ts';
import type { Reader, Wanted } from './outlet.ts';
import { baseOf } from './reset-notice.ts';
import type { Turns } from './turns.ts';

/** Until a log is asked again that could not be read, or was of another epoch than the reader. */
const RETRY_MS = 500;

/** What a feeder works with. */
export type FeederPorts = {
    readonly replay: Replay;
    readonly turns: Turns;
    readonly clock: Clock;
    /** Hands over what was pushed, now. */
    readonly flush: () => void;
    /** A reader threw. */
    readonly failed: (error: unknown) => void;
};

/**
 * One per socket. What memory holds is given in turns it shares with all other sockets; at most one read of the log is
 * under way, and those that memory can serve don't wait for it. So a socket's share is bounded by a page, and a topic
 * with a long past delays the socket's other topics by one page at most.
 */
export class Feeder {
    readonly #ports: FeederPorts;
    /** First come, first served. */
    readonly #hungry = new Set<Reader>();
    /** Those that need the log while it is being read for another. */
    readonly #queued = new Set<Reader>();
    #scheduled = false;
    #reading = false;

    constructor(ports: FeederPorts) {
        this.#ports = ports;
    }

    /** Puts a reader in the queue. */
    want(reader: Reader): void {
        this.#hungry.add(reader);
        this.#schedule();
    }

    #schedule(): void {
        if (this.#scheduled || this.#hungry.size === 0) return;
        this.#scheduled = true;
        this.#ports.turns(() => {
            this.#scheduled = false;
            this.#step();
            this.#schedule();
        });
    }

    /** Gives the first that memory can serve its page; has the log read for one of those before it. */
    #step(): void {
        for (const reader of this.#hungry) {
            this.#hungry.delete(reader);
            const wanted = reader.wanted();
            if (wanted === null) continue;
            const page = this.#ports.replay.recall(rangeOf(reader, wanted));
            if (page !== null) {
                this.#give(reader, wanted, page);
                return;
            }
            if (this.#reading) this.#queued.add(reader);
            else void this.#read(reader, wanted);
        }
    }

    async #read(reader: Reader, wanted: Wanted): Promise<void> {
        this.#reading = true;
        // A failure was observed where it happened, once for all who wait.
        const page = await this.#ports.replay.read(rangeOf(reader, wanted)).catch(() => null);
        this.#reading = false;
        for (const queued of this.#queued) this.#hungry.add(queued);
        this.#queued.clear();
        this.#schedule();
        if (page === null) this.#ports.clock.after(RETRY_MS, () => this.want(reader));
        else this.#ports.turns(() => this.#give(reader, wanted, page));
    }

    #give(reader: Reader, wanted: Wanted, page: readonly Delivery[]): void {
        try {
            // It may have been fed by memory while the log was read, or have become another: then this page is of no use.
            const means = reader.wanted()?.after === wanted.after && reader.fed(wanted, page);
            if (!means && reader.wanted() !== null) this.want(reader);
            this.#ports.flush();
        } catch (error) {
            this.#ports.failed(error);
        }
    }
}

function rangeOf({ topic }: Reader, { after, upto, epoch }: Wanted): Range {
    return { topic, base: baseOf(epoch), after, upto };
}

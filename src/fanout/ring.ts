/** The latest rows of the stream, of every topic, in memory: who was away for a moment is served without a read. */

import type { Topic } from '../event.ts';
import type { Delivery } from './delivery.ts';
import { Queue } from './queue.ts';

/** A piece of one topic under one base epoch: `after < seq <= upto`. */
export type Range = {
    readonly topic: Topic;
    readonly base: string;
    readonly after: number;
    readonly upto: number;
};

/** What a ring holds at most, over all topics; the oldest row goes first. */
export type RingLimits = { readonly events: number; readonly bytes: number };

/** Some 44 000 events of 300 bytes of data. */
const LIMITS: RingLimits = { events: 50_000, bytes: 64 * 1024 * 1024 };

/** Rows of one topic without a gap, the first of which has `firstSeq`. */
type Run = { readonly topic: Topic; readonly rows: Queue<Delivery>; firstSeq: number };

/**
 * Invariants: all rows are of one base epoch; those of a topic are a gap-free run that ends at the last row published. A
 * row is in two queues, that of all and that of its run, and leaves both together.
 */
export class Ring {
    readonly #limits: RingLimits;
    readonly #runs = new Map<Topic, Run>();
    #all = new Queue<{ readonly run: Run; readonly bytes: number }>();
    #bytes = 0;
    #base = '';

    constructor(limits: RingLimits = LIMITS) {
        this.#limits = limits;
    }

    /** Rows held. */
    get length(): number {
        return this.#all.length;
    }

    /** What they take in memory, at most. */
    get bytes(): number {
        return this.#bytes;
    }

    /** Takes the next row of the stream. */
    add(delivery: Delivery): void {
        if (delivery.epoch !== this.#base) {
            this.clear();
            this.#base = delivery.epoch;
        }
        const run = this.#runFor(delivery);
        run.rows.push(delivery);
        this.#all.push({ run, bytes: delivery.bytes });
        this.#bytes += delivery.bytes;
        while (this.#all.length > this.#limits.events || this.#bytes > this.#limits.bytes) this.#dropOldest();
    }

    /** The rows of a range from its start on, at most `limit`; none if its first is not held. */
    read({ topic, base, after, upto }: Range, limit: number): readonly Delivery[] {
        const run = this.#runs.get(topic);
        if (run === undefined || base !== this.#base || after + 1 < run.firstSeq) return [];
        return run.rows.slice(after + 1 - run.firstSeq, Math.max(0, Math.min(limit, upto - after)));
    }

    /** Whether a range begins where a topic's run ends: the row it begins with is likely on its way here. */
    awaits({ topic, base, after }: Range): boolean {
        const run = this.#runs.get(topic);
        return run !== undefined && base === this.#base && after + 1 === run.firstSeq + run.rows.length;
    }

    /** Forgets everything: another epoch has begun, or someone was erased. */
    clear(): void {
        this.#runs.clear();
        this.#all = new Queue();
        this.#bytes = 0;
    }

    /** A row that does not follow on what is held begins another run; the rows of the old one are dropped in their turn. */
    #runFor({ topic, seq }: Delivery): Run {
        const known = this.#runs.get(topic);
        if (known !== undefined && seq === known.firstSeq + known.rows.length) return known;
        const run: Run = { topic, rows: new Queue(), firstSeq: seq };
        this.#runs.set(topic, run);
        return run;
    }

    #dropOldest(): void {
        const oldest = this.#all.shift();
        if (oldest === undefined) return;
        const { run, bytes } = oldest;
        this.#bytes -= bytes;
        run.rows.shift();
        run.firstSeq += 1;
        if (run.rows.length === 0 && this.#runs.get(run.topic) === run) this.#runs.delete(run.topic);
    }
}

/** How far the tail is behind a primary it does not read from. Pure. */

/** `events`: numbered on the primary and not read yet; `waitedMs`: how long the oldest of them has been known of. */
export type Lag = { readonly events: number; readonly waitedMs: number };

/** A head of the primary, and when it was heard of. */
type Mark = { readonly gseq: number; readonly atMs: number };

/** Heads kept; between two of them the age is that of the later one, so it is never overstated. */
const MOST_MARKS = 1000;

export class LagMeter {
    #marks: Mark[] = [];
    #reached = 0;

    /** The primary's head was here at this time. */
    heard(gseq: number, atMs: number): void {
        const last = this.#marks.at(-1)?.gseq ?? this.#reached;
        if (gseq <= last) return;
        if (this.#marks.length < MOST_MARKS) this.#marks.push({ gseq, atMs });
        else this.#marks[MOST_MARKS - 1] = { gseq, atMs: this.#marks.at(-1)?.atMs ?? atMs };
    }

    /** The tail has come this far. */
    reached(gseq: number): void {
        this.#reached = gseq;
        const ahead = this.#marks.findIndex((mark) => mark.gseq > gseq);
        this.#marks = ahead < 0 ? [] : this.#marks.slice(ahead);
    }

    /** Another epoch: its numbers go on, but what was heard of the old one may never come. */
    forget(): void {
        this.#marks = [];
    }

    at(nowMs: number): Lag {
        const [oldest, newest] = [this.#marks[0], this.#marks.at(-1)];
        if (oldest === undefined || newest === undefined) return { events: 0, waitedMs: 0 };
        return { events: newest.gseq - this.#reached, waitedMs: nowMs - oldest.atMs };
    }
}

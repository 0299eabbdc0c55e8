/** Which losses in a whole kind a reader knows of, and the one that came while its place was unknown. Pure. */

import type { Floor } from '../fanout/index.ts';

/** A floor that is still to be judged, and how far its topic had been published then. */
type KeptFloor = { readonly floor: Floor; readonly seen: number };

/** The last floor counts: it takes the place of those before it. */
export class Floors {
    /** Up to this gseq they are known: a pin told of them, or the reader was told. */
    #known = 0;
    #kept: KeptFloor | null = null;

    /** A pin was taken in: the epoch it gave tells of every floor in its snapshot. */
    pinned(gseq: number): void {
        this.#known = gseq;
    }

    /** True if the floor is news; once for each. */
    heed(floor: Floor): boolean {
        if (floor.gseq <= this.#known) return false;
        this.#known = floor.gseq;
        return true;
    }

    /** Keeps a floor until there is a place to judge it from. */
    keep(floor: Floor, seen: number): void {
        this.#kept = { floor, seen };
    }

    /** Takes out the floor kept, if it is of this base epoch. */
    takeKept(base: string): KeptFloor | null {
        const kept = this.#kept;
        this.#kept = null;
        return kept?.floor.base === base ? kept : null;
    }
}

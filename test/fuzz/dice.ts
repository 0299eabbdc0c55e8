/** Random choices, the same for the same seed. */

import { createRandom } from '../support/random.ts';

/** One seeded source. */
export type Dice = {
    /** A whole number from 0 to below `count`. */
    below(count: number): number;
    chance(share: number): boolean;
    pick<T>(list: readonly [T, ...T[]]): T;
    pickAny<T>(list: readonly T[]): T | undefined;
    bytes(length: number): Buffer;
};

/** Dice of a seed. */
export function createDice(seed: number): Dice {
    const random = createRandom(seed);
    const below = (count: number) => Math.floor(random() * count);
    return {
        below,
        chance: (share) => random() < share,
        pick: (list) => list[below(list.length)] ?? list[0],
        pickAny: (list) => list[below(list.length)],
        bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
    };
}

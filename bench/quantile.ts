/** Where in a sorted list a share of it lies below. */

/** The value at `p` (0–1) of numbers in ascending order; NaN if there are none. */
export function at(sorted: readonly number[], p: number): number {
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

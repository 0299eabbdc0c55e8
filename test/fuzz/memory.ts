/** The memory of the server, once a second. */

/** What was seen, in MB, a second apart. */
export type Memory = { readonly seenMb: readonly number[]; stop(): void };

/** Begins to look. */
export function watchMemory(read: () => Promise<number>): Memory {
    const seenMb: number[] = [];
    const look = () =>
        void read().then(
            (mb) => seenMb.push(mb),
            () => undefined,
        );
    look();
    const timer = setInterval(look, 1000);
    return { seenMb, stop: () => clearInterval(timer) };
}

/**
 * The median of the values of a share of the time, from 0 to 1.
 *
 * A leak shows as a rise from one share to a later one; what garbage collection leaves for later only jitters.
 */
export function medianMb(seenMb: readonly number[], from: number, upto: number): number {
    const part = seenMb.slice(Math.floor(seenMb.length * from), Math.max(1, Math.ceil(seenMb.length * upto)));
    return [...part].sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? Number.NaN;
}

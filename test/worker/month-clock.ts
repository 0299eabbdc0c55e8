/** The local clock of a zone as Intl tells it, step by step: no SQL, and no arithmetic with offsets. */

export const STEP_MS = 300_000;

export type LocalClock = {
    /** The first moment of it; then one every {@link STEP_MS}. */
    readonly fromMs: number;
    /** What the clock shows at each step, read as if it were UTC. */
    readonly faces: readonly number[];
    /** The latest it has shown before each step: more than it shows, where it was put back. */
    readonly shown: readonly number[];
};

/** All changes of clocks happen on a step: offsets are multiples of it. */
export function readClock(zone: string, fromMs: number, toMs: number): LocalClock {
    const face = faceOf(zone);
    const faces: number[] = [];
    const shown: number[] = [];
    let latest = Number.NEGATIVE_INFINITY;
    for (let atMs = fromMs; atMs <= toMs; atMs += STEP_MS) {
        const now = face(atMs);
        faces.push(now);
        shown.push(latest);
        latest = Math.max(latest, now + STEP_MS);
    }
    return { fromMs, faces, shown };
}

function faceOf(zone: string): (atMs: number) => number {
    const format = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
    });
    return (atMs) => {
        const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = (format.format(atMs).match(/\d+/g) ?? []).map(
            Number,
        );
        return Date.UTC(year, month - 1, day, hour, minute);
    };
}

import { describe, expect, test } from 'vitest';
import { type Beat, createRhythm, type Rhythm } from '../../src/sequence/rhythm.ts';

const QUIET: Omit<Beat, 'nowMs'> = { rings: 0, numbered: 0, more: false, busy: false, oldestMs: 0, xmin: 100n };

/** Beats a rhythm `count` times, `everyMs` apart, and returns the last step. */
function beatTimes(rhythm: Rhythm, fromMs: number, count: number, everyMs: number, beat: Partial<Beat>) {
    let step = rhythm.beat({ ...QUIET, ...beat, nowMs: fromMs });
    for (let n = 1; n < count; n += 1) {
        step = rhythm.beat({ ...QUIET, ...beat, nowMs: fromMs + n * everyMs });
    }
    return step;
}

/** A rhythm that holds the lock. */
function awake(): Rhythm {
    const rhythm = createRhythm(5);
    beatTimes(rhythm, 0, 60, 10, { rings: 1, numbered: 1 });
    rhythm.lockAnswered(true);
    expect(rhythm.state).toBe('awake');
    return rhythm;
}

/** One that has just released it, at time 10 000, waiting for transaction 500. */
function drowsy(): Rhythm {
    const rhythm = awake();
    expect(rhythm.beat({ ...QUIET, nowMs: 10_000 }).action).toBe('fall_asleep');
    rhythm.sleepBegan(500n);
    return rhythm;
}

describe('asleep', () => {
    test('waits a second and can be woken', () => {
        expect(createRhythm(5).beat({ ...QUIET, nowMs: 0 })).toEqual({
            state: 'asleep',
            action: null,
            waitMs: 1000,
            wakeable: true,
        });
    });

    test('runs again at once when a run says there is more', () => {
        expect(createRhythm(5).beat({ ...QUIET, nowMs: 0, numbered: 9, more: true }).waitMs).toBe(0);
    });

    test('comes back soon when a rival was at it, whose run may have begun before the commit that rang', () => {
        expect(createRhythm(5).beat({ ...QUIET, nowMs: 0, rings: 1, busy: true }).waitMs).toBe(5);
    });

    test('stays asleep at 40 rings a second', () => {
        const rhythm = createRhythm(5);
        expect(beatTimes(rhythm, 0, 400, 25, { rings: 1, numbered: 1 }).state).toBe('asleep');
    });

    test('goes awake above 50 rings a second', () => {
        const rhythm = createRhythm(5);
        const step = beatTimes(rhythm, 0, 51, 10, { rings: 1, numbered: 1 });
        expect(step).toEqual({ state: 'awake', action: 'stay_awake', waitMs: 0, wakeable: false });
    });

    test('goes awake when every run finds work, though it never waited for a ring', () => {
        const rhythm = createRhythm(5);
        expect(beatTimes(rhythm, 0, 51, 1, { numbered: 100, more: true }).state).toBe('awake');
    });

    test('covers when it finds rows nobody rang for', () => {
        const rhythm = createRhythm(5);
        const step = rhythm.beat({ ...QUIET, nowMs: 0, numbered: 1, oldestMs: 800 });
        expect(step).toEqual({ state: 'covering', action: 'stay_awake', waitMs: 5, wakeable: true });
    });
});

describe('awake', () => {
    test('runs every interval and hears no ring', () => {
        expect(awake().beat({ ...QUIET, nowMs: 700, numbered: 3 })).toEqual({
            state: 'awake',
            action: null,
            waitMs: 5,
            wakeable: false,
        });
    });

    test('falls asleep below 20 full runs a second', () => {
        const rhythm = awake();
        expect(beatTimes(rhythm, 700, 50, 100, { numbered: 1 }).state).toBe('drowsy');
    });

    test('stays awake above', () => {
        const rhythm = awake();
        expect(beatTimes(rhythm, 700, 500, 20, { numbered: 1 }).state).toBe('awake');
    });

    test('polls without the lock when another holds it, and sleeps again if that one does its work', () => {
        const rhythm = awake();
        rhythm.lockAnswered(false);
        expect(rhythm.beat({ ...QUIET, nowMs: 700, numbered: 2, oldestMs: 3 })).toMatchObject({
            state: 'covering',
            waitMs: 5,
        });
        expect(rhythm.beat({ ...QUIET, nowMs: 2000, numbered: 2, oldestMs: 3 }).state).toBe('asleep');
    });
});

describe('drowsy', () => {
    test('polls on as long as a transaction may be open that saw it awake', () => {
        const rhythm = drowsy();
        expect(beatTimes(rhythm, 10_010, 1000, 10, { xmin: 500n })).toEqual({
            state: 'drowsy',
            action: null,
            waitMs: 10,
            wakeable: true,
        });
        expect(rhythm.beat({ ...QUIET, nowMs: 30_000, xmin: 501n }).state).toBe('asleep');
    });

    test('does not sleep before it knows the transaction to wait for', () => {
        const rhythm = awake();
        rhythm.beat({ ...QUIET, nowMs: 10_000 });
        expect(rhythm.beat({ ...QUIET, nowMs: 10_001, xmin: 10_000n }).state).toBe('drowsy');
    });

    test('goes awake again under load', () => {
        expect(beatTimes(drowsy(), 10_010, 60, 10, { rings: 1, numbered: 1 }).state).toBe('awake');
    });
});

describe('covering', () => {
    test('goes on while rows have waited, asks for the lock now and then, and stops a second after the last such row', () => {
        const rhythm = createRhythm(5);
        rhythm.beat({ ...QUIET, nowMs: 0, numbered: 1, oldestMs: 800 });
        rhythm.lockAnswered(false);
        expect(rhythm.beat({ ...QUIET, nowMs: 400 }).action).toBeNull();
        expect(rhythm.beat({ ...QUIET, nowMs: 900, numbered: 1, oldestMs: 500 })).toMatchObject({
            state: 'covering',
            action: 'stay_awake',
        });
        expect(rhythm.beat({ ...QUIET, nowMs: 1800 }).state).toBe('covering');
        expect(rhythm.beat({ ...QUIET, nowMs: 1901 }).state).toBe('asleep');
    });

    test('lasts twice as long each time rows had waited again when it had hardly slept, half a minute at most', () => {
        const rhythm = createRhythm(5);
        const lasted: number[] = [];
        let nowMs = 0;
        for (let n = 0; n < 8; n += 1) {
            rhythm.beat({ ...QUIET, nowMs, numbered: 1, oldestMs: 800 });
            rhythm.lockAnswered(false);
            const fromMs = nowMs;
            while (rhythm.state === 'covering') {
                nowMs += 100;
                rhythm.beat({ ...QUIET, nowMs, numbered: 1, oldestMs: 3 });
            }
            lasted.push(nowMs - fromMs - 100);
            nowMs += 1000;
        }
        expect(lasted).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        rhythm.beat({ ...QUIET, nowMs: nowMs + 10_000, numbered: 1, oldestMs: 800 });
        rhythm.lockAnswered(false);
        expect(rhythm.beat({ ...QUIET, nowMs: nowMs + 11_001 }).state).toBe('asleep');
    });

    test('is where a lost session leaves it, because its lock is gone', () => {
        const rhythm = awake();
        rhythm.sessionLost();
        expect(rhythm.state).toBe('covering');
    });
});

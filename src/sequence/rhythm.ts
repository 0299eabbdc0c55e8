/**
 * When the sequencer runs: woken by rings while quiet, by the clock while busy. Pure: it is told what happened and
 * answers what to do, so every path is tested without a database or a clock.
 *
 * ```
 *            rings or full runs > 50/s                    full runs < 20/s
 *   asleep ────────────────────────────▶ awake ─────────────────────────────▶ drowsy
 *     ▲ │                            lock │ ▲ lock taken    (release, note xid)  │ │
 *     │ │ rows had waited unrung          ▼ │                                    │ │ busy again
 *     │ └────────────────────────────▶ covering ◀── lock refused                 │ └──▶ awake
 *     │       a while without such rows   │                                      │
 *     └───────────────────────────────────┴──────────────────────────────────────┘ xmin has passed xid
 * ```
 * - asleep: a writer's ring wakes it; a run every second stays in any case.
 * - awake: holds the wake lock, so nobody rings; runs every interval.
 * - drowsy: the lock is released, but writers that saw it held may still commit without ringing; polls until the last
 *   of them must have ended.
 * - covering: somebody else holds the lock. Goes on polling as long as it finds rows that had waited, because a frozen
 *   holder looks like that; a second longer at first, twice as long each time it has hardly slept when it finds more.
 */

/** Names of the states. */
export type RhythmState = 'asleep' | 'awake' | 'drowsy' | 'covering';

/** What the runner saw since the last decision. */
export type Beat = {
    /** Any monotone clock, in milliseconds. */
    readonly nowMs: number;
    /** Rings heard since the last beat. */
    readonly rings: number;
    readonly numbered: number;
    readonly more: boolean;
    readonly busy: boolean;
    readonly oldestMs: number;
    readonly xmin: bigint;
};

/** What to do next: perhaps ask for the lock or release it, then wait at most `waitMs`; a ring ends the wait if `wakeable`. */
export type Step = {
    readonly state: RhythmState;
    readonly action: 'stay_awake' | 'fall_asleep' | null;
    readonly waitMs: number;
    readonly wakeable: boolean;
};

/** Rates are per second; see the figures in docs/decisions/0001. */
const WAKE_ABOVE = 50;
const SLEEP_BELOW = 20;
/** A row that waited longer than this without a ring was missed by whoever should have run. */
const WAITED_MS = 100;
const WINDOW_MS = 1000;
const QUIET_WINDOW_MS = 2000;
const DROWSY_MS = 10;
const IDLE_MS = 1000;
/** Rows that had waited so soon after covering: whoever holds the lock does nothing for it. */
const RELAPSE_MS = 3000;
const LONGEST_COVER_MS = 30_000;

/** The sequencer's rhythm. */
export type Rhythm = {
    beat(beat: Beat): Step;
    /** The answer to `stay_awake`. */
    lockAnswered(taken: boolean): void;
    /** The answer to `fall_asleep`: the transaction id to wait for. */
    sleepBegan(xid: bigint): void;
    /** The session is a new one: whatever lock it held is gone. */
    sessionLost(): void;
    readonly state: RhythmState;
};

/** Starts asleep. `intervalMs` is the pause between runs while awake, `idleMs` while asleep. */
export function createRhythm(intervalMs: number, idleMs = IDLE_MS): Rhythm {
    let state: RhythmState = 'asleep';
    let sleepXid: bigint | null = null;
    let windowStart = 0;
    let activity = 0;
    let waitedAt = Number.NEGATIVE_INFINITY;
    let enteredAt = 0;
    let coverMs = WINDOW_MS;
    let coveredAt = Number.NEGATIVE_INFINITY;

    function enter(next: RhythmState, nowMs: number): void {
        state = next;
        enteredAt = nowMs;
        windowStart = nowMs;
        activity = 0;
    }

    /** Activity per second once a window is full, else null. Before that only a burst over the limit counts. */
    function rate(nowMs: number, windowMs: number): number | null {
        const elapsed = nowMs - windowStart;
        if (elapsed < windowMs) {
            return null;
        }
        const perSecond = (activity * 1000) / elapsed;
        windowStart = nowMs;
        activity = 0;
        return perSecond;
    }

    function whileQuiet(beat: Beat): Step {
        activity += Math.max(beat.rings, beat.numbered > 0 ? 1 : 0);
        const busyNow = activity > WAKE_ABOVE;
        rate(beat.nowMs, WINDOW_MS);
        if (busyNow) {
            enter('awake', beat.nowMs);
            return { state, action: 'stay_awake', waitMs: 0, wakeable: false };
        }
        return state === 'drowsy' ? whileDrowsy(beat) : whileAsleep(beat);
    }

    function whileDrowsy(beat: Beat): Step {
        if (sleepXid !== null && beat.xmin > sleepXid) {
            enter('asleep', beat.nowMs);
        }
        return { state, action: null, waitMs: beat.more ? 0 : DROWSY_MS, wakeable: true };
    }

    function whileAsleep(beat: Beat): Step {
        if (beat.rings === 0 && waited(beat) && !beat.more) {
            waitedAt = beat.nowMs;
            const relapse = beat.nowMs - coveredAt < RELAPSE_MS;
            coverMs = relapse ? Math.min(2 * coverMs, LONGEST_COVER_MS) : WINDOW_MS;
            enter('covering', beat.nowMs);
            return { state, action: 'stay_awake', waitMs: intervalMs, wakeable: true };
        }
        // A rival's run may have begun before the commit that rang for us.
        const pauseMs = beat.busy ? intervalMs : idleMs;
        return { state, action: null, waitMs: beat.more ? 0 : pauseMs, wakeable: true };
    }

    function whileAwake(beat: Beat): Step {
        activity += beat.numbered > 0 ? 1 : 0;
        const perSecond = rate(beat.nowMs, QUIET_WINDOW_MS);
        if (perSecond !== null && perSecond < SLEEP_BELOW && !beat.more) {
            sleepXid = null;
            enter('drowsy', beat.nowMs);
            return { state, action: 'fall_asleep', waitMs: 0, wakeable: true };
        }
        return { state, action: null, waitMs: beat.more ? 0 : intervalMs, wakeable: false };
    }

    function whileCovering(beat: Beat): Step {
        if (waited(beat)) {
            waitedAt = beat.nowMs;
        }
        if (beat.nowMs - Math.max(waitedAt, enteredAt) > coverMs) {
            coveredAt = beat.nowMs;
            enter('asleep', beat.nowMs);
            return { state, action: null, waitMs: beat.more ? 0 : DROWSY_MS, wakeable: true };
        }
        const retry = beat.nowMs - windowStart > WINDOW_MS / 2;
        if (retry) {
            windowStart = beat.nowMs;
        }
        return { state, action: retry ? 'stay_awake' : null, waitMs: beat.more ? 0 : intervalMs, wakeable: true };
    }

    function waited(beat: Beat): boolean {
        return beat.numbered > 0 && beat.oldestMs > WAITED_MS;
    }

    return {
        beat(beat) {
            if (state === 'awake') {
                return whileAwake(beat);
            }
            return state === 'covering' ? whileCovering(beat) : whileQuiet(beat);
        },
        lockAnswered(taken) {
            if (taken && state !== 'awake') {
                state = 'awake';
                activity = 0;
            } else if (!taken && state === 'awake') {
                state = 'covering';
                coverMs = WINDOW_MS;
            }
        },
        sleepBegan(xid) {
            sleepXid = xid;
        },
        sessionLost() {
            // The lock went with the session, so writers ring again; those that saw it held may still be at work, and the
            // run every second finds what they write.
            if (state !== 'asleep') {
                state = 'covering';
                coverMs = WINDOW_MS;
            }
        },
        get state() {
            return state;
        },
    };
}

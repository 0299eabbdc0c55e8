/** Runs `tidings.sequence()` in the rhythm of `rhythm.ts`, on a connection of its own, for as long as the server lives. */

import { TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';
import type { SequenceRun } from '../store/run-sequencer.ts';
import { createRhythm, type Step } from './rhythm.ts';

/** The three statements the runner needs, on one session. */
export type SequencerPort = {
    run(): Promise<SequenceRun>;
    stayAwake(): Promise<boolean>;
    fallAsleep(): Promise<bigint>;
    close(): Promise<void>;
};

export type SequencerOptions = {
    readonly port: SequencerPort;
    readonly intervalMs: number;
    /** The longest pause while nobody rings; unset: a second. */
    readonly idleMs?: number | undefined;
    readonly observe: Observe;
    /** Called after a run that numbered something has committed. */
    readonly onNumbered: (gseq: number) => void;
    /** Called after every run that was not another's turn: how far the stream is. */
    readonly onHead?: (gseq: number) => void;
};

/** The sequencer: a service that can be rung. */
export type Sequencer = Service & {
    ring(): void;
    /** Rejects unless a run succeeded lately. */
    check(): Promise<void>;
};

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1000;
const LATE_MS = 5000;

/** Makes the sequencer of this process. Any number of processes may run one; PostgreSQL lets one work at a time. */
export function createSequencer({
    port,
    intervalMs,
    idleMs,
    observe,
    onNumbered,
    onHead,
}: SequencerOptions): Sequencer {
    const rhythm = createRhythm(intervalMs, idleMs);
    let rings = 0;
    let backend = 0;
    let failures = 0;
    let ranAtMs = Number.NEGATIVE_INFINITY;
    let shownState = '';
    let wakeable = false;
    let running: Promise<void> | undefined;
    const pause = createPause();

    async function act(step: Step): Promise<void> {
        if (step.action === 'stay_awake') {
            rhythm.lockAnswered(await port.stayAwake());
        } else if (step.action === 'fall_asleep') {
            rhythm.sleepBegan(await port.fallAsleep());
        }
        if (rhythm.state !== shownState) {
            shownState = rhythm.state;
            observe({ type: 'sequencer.state', state: shownState });
        }
    }

    async function turn(): Promise<Step> {
        const heard = rings;
        rings = 0;
        const startedMs = performance.now();
        const run = await port.run();
        const nowMs = performance.now();
        ranAtMs = nowMs;
        if (run.backend !== backend) {
            if (backend !== 0) {
                rhythm.sessionLost();
            }
            backend = run.backend;
        }
        if (run.numbered > 0) {
            onNumbered(run.gseq);
        }
        if (!run.busy) {
            onHead?.(run.gseq);
        }
        observe({ type: 'sequencer.ran', numbered: run.numbered, tookMs: nowMs - startedMs });
        const step = rhythm.beat({ ...run, nowMs, rings: heard });
        await act(step);
        failures = 0;
        return step;
    }

    /** Waits out a step; a ring ends it early where the step allows. */
    async function rest(step: Pick<Step, 'waitMs' | 'wakeable'>): Promise<void> {
        if (step.wakeable && rings > 0) {
            return;
        }
        wakeable = step.wakeable;
        await pause.wait(step.waitMs);
        wakeable = false;
    }

    async function failed(error: unknown): Promise<void> {
        failures += 1;
        rhythm.sessionLost();
        const retryInMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2);
        observe({ type: 'sequencer.failed', error, retryInMs });
        await rest({ waitMs: retryInMs, wakeable: false });
    }

    async function loop(attempted: () => void): Promise<void> {
        while (!pause.ended) {
            try {
                const step = await turn();
                attempted();
                await rest(step);
            } catch (error) {
                attempted();
                if (!pause.ended) {
                    await failed(error);
                }
            }
        }
    }

    return {
        name: 'sequencer',
        ring() {
            rings += 1;
            if (wakeable) {
                pause.wake();
            }
        },
        async check() {
            if (performance.now() - ranAtMs > LATE_MS) {
                throw new TidingsError(
                    'unavailable',
                    `expected the sequencer to have run within ${LATE_MS} ms, got no run`,
                );
            }
        },
        async start() {
            if (running !== undefined) {
                return;
            }
            // Up once a run was tried: a database that is away for a moment keeps no server from starting.
            await new Promise<void>((resolve) => {
                running = loop(resolve);
            });
        },
        async stop() {
            pause.end();
            await running;
            await port.close();
        },
    };
}

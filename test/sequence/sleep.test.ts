/** The sleep rule against a real database: a writer that saw "awake" is not forgotten when it commits after the sleep began. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Observation } from '../../src/observe.ts';
import { createSequencerPort } from '../../src/sequence/port.ts';
import { createSequencer, type Sequencer } from '../../src/sequence/runner.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createSignal, type Signal } from '../support/signal.ts';

let database: TestDatabase;
let sequencer: Sequencer;
let signal: Signal;
let states: string[];
let numberedAt: { gseq: number; ms: number }[];
let runs: number;

beforeEach(async () => {
    database = await openDatabase();
    signal = createSignal();
    states = [];
    numberedAt = [];
    runs = 0;
    const observe = (seen: Observation) => {
        if (seen.type === 'sequencer.state') states.push(seen.state);
        if (seen.type === 'sequencer.ran') runs += 1;
        signal.poke();
    };
    sequencer = createSequencer({
        port: createSequencerPort(database.url, observe),
        intervalMs: 5,
        observe,
        onNumbered: (gseq) => {
            numberedAt.push({ gseq, ms: performance.now() });
            signal.poke();
        },
    });
    await sequencer.start();
});

afterEach(async () => {
    await sequencer.stop();
    await database.close();
});

const emit = () => database.sql`select tidings.emit('demo:1', 'note.made')`;
const reached = (state: string) =>
    signal.until(() => (states.at(-1) === state ? true : undefined), `state ${state}`, 10_000);

const hear = (rung: string[]) => (payload: string) => {
    rung.push(payload);
    signal.poke();
};

/** Rings as a busy database would until the sequencer holds the lock. */
async function keepBusy(): Promise<void> {
    const busy = setInterval(() => {
        sequencer.ring();
        sequencer.ring();
    }, 5);
    await reached('awake').finally(() => clearInterval(busy));
}

test('polls until a writer that saw it awake has ended, and takes what that one wrote without a ring', async () => {
    const rung: string[] = [];
    const listener = await database.sql.listen('tidings_wake', hear(rung));
    await keepBusy();
    const writer = await database.sql.reserve();
    await writer`begin`;
    await writer`select tidings.emit('demo:slow', 'note.made')`;
    await reached('drowsy');

    // Many runs later it is still not asleep: the writer is open.
    const since = runs;
    await signal.until(() => (runs > since + 30 ? true : undefined), '30 more runs', 10_000);
    expect(states.at(-1)).toBe('drowsy');

    const committedMs = performance.now();
    await writer`commit`;
    writer.release();
    const last = await signal.until(() => numberedAt.at(-1), 'the event to be numbered');
    expect(last.ms - committedMs).toBeLessThan(500);
    expect(rung).toEqual([]);
    await reached('asleep');

    // From now on writers ring.
    await emit();
    await signal.until(() => (rung.length > 0 ? true : undefined), 'a ring');
    await listener.unlisten();
});

test('lets writers ring when it sleeps and not while it is awake', async () => {
    const rung: string[] = [];
    const listener = await database.sql.listen('tidings_wake', hear(rung));
    await keepBusy();
    await emit();
    await emit();
    // Notifications arrive in commit order: had the two rung, their rings would come before this one.
    await database.sql`select pg_notify('tidings_wake', 'marker')`;
    await signal.until(() => (rung.includes('marker') ? true : undefined), 'the marker');
    expect(rung).toEqual(['marker']);
    await listener.unlisten();
});

test('goes on by polling when a stranger squats on the wake lock', async () => {
    const squatter = await database.sql.reserve();
    await squatter`select pg_advisory_lock(1953064289, 1)`;
    await emit();
    await signal.until(() => numberedAt[0], 'the first event', 2000);
    await reached('covering');
    const before = performance.now();
    await emit();
    const second = await signal.until(() => numberedAt[1], 'the second event', 2000);
    expect(second.ms - before).toBeLessThan(1000);
    squatter.release();
});

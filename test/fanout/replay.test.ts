import { beforeEach, describe, expect, test } from 'vitest';
import { createReplay, type Delivery, type Range, type Replay, Ring } from '../../src/fanout/index.ts';
import type { Observation } from '../../src/observe.ts';
import { FakeClock } from '../socket/fake-clock.ts';
import { MemoryLog } from '../socket/memory-log.ts';
import { deliveryOf, seqsOf } from './rows.ts';

const P = 'project:1';

let log: MemoryLog;
let ring: Ring;
let clock: FakeClock;
let observed: Observation[];
let replay: Replay;

beforeEach(() => {
    log = new MemoryLog();
    ring = new Ring();
    clock = new FakeClock();
    observed = [];
    replay = replayWith(10_000_000);
});

function replayWith(bytes: number): Replay {
    const observe = (observation: Observation) => void observed.push(observation);
    return createReplay({ ring, log, observe, timers: clock, limits: { bytes, idleMs: 2000 } });
}

function range(after: number, upto: number, base = 'k1'): Range {
    return { topic: P, base, after, upto };
}

function span(from: number, to: number): number[] {
    return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

/** The tail hands on what the log has. */
function tail(from: number, to: number): void {
    for (const seq of span(from, to)) ring.add(deliveryOf(P, seq));
}

/** A whole replay, as a feeder does it; the size of each piece. */
async function follow(after: number, upto: number): Promise<{ seqs: number[]; pieces: number }> {
    const seqs: number[] = [];
    let pieces = 0;
    for (let cursor = after; cursor < upto; ) {
        const rows: readonly Delivery[] =
            replay.recall(range(cursor, upto)) ?? (await replay.read(range(cursor, upto))) ?? [];
        seqs.push(...rows.map(({ seq }) => seq));
        cursor = rows.at(-1)?.seq ?? upto;
        pieces += 1;
    }
    return { seqs, pieces };
}

describe('replay inside the ring', () => {
    test('is answered at once and reads nothing', () => {
        tail(1, 2000);
        expect(seqsOf(replay.recall(range(1990, 2000)))).toEqual(span(1991, 2000));
        expect(seqsOf(replay.recall(range(0, 2000)))).toEqual(span(1, 500));
        expect(log.reads).toEqual([]);
    });

    test('gives every reader the same frame, made once', () => {
        tail(1, 3);
        const [one, other] = [replay.recall(range(0, 3)), replay.recall(range(1, 3))];
        expect(one?.[1]?.frame).toBe(other?.[0]?.frame);
    });

    test('waits a moment for a row that is numbered and not tailed yet, and reads nothing', async () => {
        log.appendMany(P, 12);
        tail(1, 10);
        expect(replay.recall(range(10, 12))).toBeNull();
        const read = replay.read(range(10, 12));
        await clock.settle();
        tail(11, 12);
        await clock.pass(100);
        expect(seqsOf(await read)).toEqual([11, 12]);
        expect(log.reads).toEqual([]);
    });

    test('asks the log when the tail does not come', async () => {
        log.appendMany(P, 12);
        tail(1, 10);
        const read = replay.read(range(10, 12));
        await clock.pass(100);
        expect(seqsOf(await read)).toEqual([11, 12]);
        expect(log.reads).toEqual([`${P} 10..500`]);
    });
});

describe('replay of what is older', () => {
    test('reads the log up to the ring and goes on there', async () => {
        log.appendMany(P, 1500);
        tail(700, 1500);
        expect((await follow(20, 1500)).seqs).toEqual(span(21, 1500));
        expect(log.reads).toEqual([`${P} 20..500`, `${P} 500..1000`]);
    });

    test('never gives a row beyond what was asked for, though it reads the page to its end', async () => {
        log.appendMany(P, 400);
        expect(seqsOf(await replay.read(range(3, 7)))).toEqual([4, 5, 6, 7]);
        expect(seqsOf(replay.recall(range(5, 9)))).toEqual([6, 7, 8, 9]);
        expect(log.reads).toHaveLength(1);
    });

    test('thousands who resume from different places cost two reads a page at most', async () => {
        log.appendMany(P, 10_000);
        const release = log.hold();
        const readers = Array.from({ length: 2000 }, (_, n) => follow((n * 7919) % 10_000, 10_000));
        await clock.settle();
        release();
        for (const [n, { seqs }] of (await Promise.all(readers)).entries()) {
            const after = (n * 7919) % 10_000;
            expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([10_000 - after, after + 1, 10_000]);
        }
        expect(log.reads.length).toBeLessThanOrEqual(40);
        expect(observed.filter(({ type }) => type === 'replay.read')).toHaveLength(log.reads.length);
    });

    test('those who ask together share a read, and its rows', async () => {
        log.appendMany(P, 10);
        const release = log.hold();
        const reads = [0, 4, 9].map((after) => replay.read(range(after, 10)));
        await clock.settle();
        release();
        const [all, some, last] = await Promise.all(reads);
        expect([seqsOf(all ?? null), seqsOf(some ?? null), seqsOf(last ?? null)]).toEqual([
            span(1, 10),
            span(5, 10),
            [10],
        ]);
        expect(log.reads).toEqual([`${P} 0..500`]);
        expect(last?.[0]?.frame).toBe(all?.[9]?.frame);
    });

    test('a read that began too early for somebody is followed by one for all of them', async () => {
        log.appendMany(P, 5);
        const release = log.hold();
        const early = replay.read(range(0, 5));
        await clock.settle();
        log.appendMany(P, 5);
        const late = [replay.read(range(5, 10)), replay.read(range(7, 10))];
        await clock.settle();
        release();
        expect(seqsOf(await early)).toEqual(span(1, 5));
        const [one, other] = await Promise.all(late);
        expect([seqsOf(one ?? null), seqsOf(other ?? null)]).toEqual([span(6, 10), span(8, 10)]);
        expect(log.reads).toEqual([`${P} 0..500`, `${P} 5..500`]);
    });

    test('a read that comes back late does not take the place of one that brought more', async () => {
        log.appendMany(P, 20);
        const read = log.read.bind(log);
        const held: (() => void)[] = [];
        log.read = async (...asked) => {
            const page = await read(...asked);
            await new Promise<void>((resolve) => void held.push(resolve));
            return page;
        };
        const late = replay.read(range(10, 20));
        const whole = replay.read(range(0, 20));
        await clock.settle();
        held[1]?.();
        expect(seqsOf(await whole)).toEqual(span(1, 20));
        held[0]?.();
        expect(seqsOf(await late)).toEqual(span(11, 20));
        expect(seqsOf(replay.recall(range(4, 20)))).toEqual(span(5, 20));
        expect(log.reads).toHaveLength(2);
    });

    test('rows that retention took show as a gap, also to one who shared another read', async () => {
        log.appendMany(P, 20);
        log.forget(P, 12);
        const release = log.hold();
        const reads = [replay.read(range(2, 20)), replay.read(range(5, 20))];
        await clock.settle();
        release();
        for (const rows of await Promise.all(reads)) expect(seqsOf(rows)).toEqual(span(13, 20));
        expect(replay.recall(range(5, 20))).toBeNull();
        expect(seqsOf(replay.recall(range(12, 20)))).toEqual(span(13, 20));
    });

    test('a range whose rows are all gone is empty', async () => {
        log.appendMany(P, 20);
        log.forget(P, 20);
        expect(await replay.read(range(5, 20))).toEqual([]);
    });

    test('a page cut short by its size is not taken for the end', async () => {
        log.appendMany(P, 10);
        const read = log.read.bind(log);
        log.read = async (topic, after, upto) => await read(topic, after, upto, 3);
        const release = log.hold();
        const reads = [replay.read(range(0, 10)), replay.read(range(8, 10))];
        await clock.settle();
        release();
        const [first, last] = await Promise.all(reads);
        expect([seqsOf(first ?? null), seqsOf(last ?? null)]).toEqual([
            [1, 2, 3],
            [9, 10],
        ]);
        expect((await follow(0, 10)).seqs).toEqual(span(1, 10));
    });

    test('pages are kept only as long as somebody asks for them, and within their bytes', async () => {
        log.appendMany(P, 2000);
        await replay.read(range(0, 2000));
        await clock.pass(1500);
        expect(replay.recall(range(0, 2000))).not.toBeNull();
        await clock.pass(1500);
        expect(replay.recall(range(0, 2000))).not.toBeNull();
        await clock.pass(5000);
        expect(replay.recall(range(0, 2000))).toBeNull();
        expect(clock.pendingTimers).toBe(0);
        replay = replayWith(700 * deliveryOf(P, 1).bytes);
        await replay.read(range(0, 2000));
        await replay.read(range(500, 2000));
        expect([replay.recall(range(0, 2000)), replay.recall(range(500, 2000))?.length]).toEqual([null, 500]);
    });
});

describe('replay across epochs', () => {
    test('a page of another epoch is handed to nobody', async () => {
        log.appendMany(P, 10);
        const release = log.hold();
        const reads = [replay.read(range(0, 10)), replay.read(range(2, 10))];
        await clock.settle();
        release();
        expect((await Promise.all(reads)).map((rows) => rows?.length)).toEqual([10, 8]);
        log.newEpoch('k2');
        log.appendMany(P, 10);
        replay.clear();
        expect(replay.recall(range(0, 10))).toBeNull();
        expect(await replay.read(range(0, 10))).toBeNull();
        expect(replay.recall(range(0, 10, 'k2'))).toBeNull();
        expect(seqsOf(await replay.read(range(0, 10, 'k2')))).toEqual(span(1, 10));
    });

    test('a read under way is not taken for the new epoch', async () => {
        log.appendMany(P, 10);
        const release = log.hold();
        const old = replay.read(range(0, 10));
        await clock.settle();
        log.newEpoch('k2');
        log.appendMany(P, 3);
        replay.clear();
        const young = replay.read(range(0, 3, 'k2'));
        release();
        expect([seqsOf(await old), seqsOf(await young)]).toEqual([span(1, 10), span(1, 3)]);
    });
});

test('a log that fails fails all who wait for that read, and is asked afresh by the next', async () => {
    log.appendMany(P, 10);
    const read = log.read.bind(log);
    log.read = async () => {
        throw new Error('down');
    };
    const reads = await Promise.allSettled([replay.read(range(0, 10)), replay.read(range(4, 10))]);
    expect(reads.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    log.read = read;
    expect(seqsOf(await replay.read(range(4, 10)))).toEqual(span(5, 10));
});

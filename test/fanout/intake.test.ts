/** The intake: what is filled before it is published, what is not held up by it, and what becomes of what cannot be filled. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/event.ts';
import { type Batch, createIntake } from '../../src/fanout/index.ts';
import type { Intake } from '../../src/fanout/intake.ts';
import type { Observation } from '../../src/observe.ts';
import { rowOf } from './rows.ts';

const [ADA, BOB, ROOM, CONTROL] = ['user:ada', 'user:bob', 'project:1', 'tidings:control'];

/** A fill under way. */
type Query = {
    readonly asked: readonly LoggedEvent[];
    readonly answer: (events: readonly LoggedEvent[]) => void;
    readonly fail: (error: Error) => void;
};

let readers: Set<string>;
/** What was published, as `topic seq data`. */
let published: string[];
let batches: Batch[];
let queries: Query[];
let observed: Observation[];
let nowMs: number;
/** Ends the wait for another try. */
let retry: (() => void) | undefined;
let waits: number[];
let intake: Intake;

beforeEach(() => {
    readers = new Set([ADA, BOB, ROOM]);
    [published, batches, queries, observed, waits] = [[], [], [], [], []];
    [nowMs, retry] = [0, undefined];
    intake = createIntake({
        hub: {
            readers: (topic) => (readers.has(topic) ? 1 : 0),
            publish(batch) {
                batches.push(batch);
                published.push(...batch.events.map(({ topic, gseq, data }) => `${topic} ${gseq} ${data}`));
            },
        },
        fill: (asked) => new Promise((answer, fail) => void queries.push({ asked, answer, fail })),
        observe: (observation) => void observed.push(observation),
        nowMs: () => nowMs,
        pause: {
            wait: (ms) => {
                waits.push(ms);
                return new Promise((resolve) => {
                    retry = resolve;
                });
            },
            end: () => retry?.(),
        },
    });
});

const places = new Map<string, number>();

/** An event at a place of the stream. */
function at(gseq: number, topic: string, event = 'thing.happened', data = '{}'): LoggedEvent {
    const seq = (places.get(topic) ?? 0) + 1;
    places.set(topic, seq);
    return rowOf(topic, seq, { gseq, event, data });
}

const note = (gseq: number, topic: string, event = 'notification.created') => at(gseq, topic, event, `{"id":${gseq}}`);

function take(...events: readonly LoggedEvent[]): Promise<void> | undefined {
    return intake.take({ events, epoch: 'k1', gseq: events.at(-1)?.gseq ?? 0 });
}

/** Answers a query as the database would. */
async function answer(query: Query | undefined): Promise<void> {
    query?.answer(
        query.asked.map((event) => (event.event.startsWith('notification.') ? { ...event, data: 'full' } : event)),
    );
    await settled();
}

async function settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

async function fail(query: Query | undefined): Promise<void> {
    query?.fail(new Error('down'));
    await settled();
}

describe('a batch without news of an inbox that is read here', () => {
    test('is published at once, as it is, and nothing is asked', () => {
        const batch = { events: [at(1, ROOM), at(2, ADA), note(3, 'user:cyd')], epoch: 'k1', gseq: 3 };
        expect(intake.take(batch)).toBeUndefined();
        expect(batches).toEqual([batch]);
        expect(batches[0]).toBe(batch);
        expect(queries).toEqual([]);
    });

    test('an event of that name on another topic is like any other', () => {
        take(note(1, ROOM));
        expect(published).toEqual([`${ROOM} 1 {"id":1}`]);
        expect(queries).toEqual([]);
    });
});

describe('news of inboxes', () => {
    test('are filled by one query a batch, for those only who read here', async () => {
        take(note(1, ADA), note(2, 'user:cyd'), note(3, BOB, 'notification.updated'), note(4, ADA));
        expect(queries.map(({ asked }) => asked.map(({ gseq }) => gseq))).toEqual([[1, 3, 4]]);
        expect(published).toEqual(['user:cyd 2 {"id":2}']);
        await answer(queries[0]);
        expect(published.slice(1)).toEqual([`${ADA} 1 full`, `${BOB} 3 full`, `${ADA} 4 full`]);
        expect(batches.at(-1)).toMatchObject({ epoch: 'k1', gseq: 4 });
    });

    test('hold up what follows on their topic, and nothing else', async () => {
        take(at(1, ADA), note(2, ADA), at(3, ADA), at(4, BOB), at(5, ROOM));
        expect(published).toEqual([`${ADA} 1 {}`, `${BOB} 4 {}`, `${ROOM} 5 {}`]);
        take(at(6, ADA), at(7, ROOM), at(8, BOB));
        expect(published.slice(3)).toEqual([`${ROOM} 7 {}`, `${BOB} 8 {}`]);
        await answer(queries[0]);
        expect(published.slice(5)).toEqual([`${ADA} 2 full`, `${ADA} 3 {}`]);
        expect(queries[1]?.asked.map(({ gseq }) => gseq)).toEqual([6]);
        take(at(9, ADA));
        await answer(queries[1]);
        await answer(queries[2]);
        expect(published.slice(7)).toEqual([`${ADA} 6 {}`, `${ADA} 9 {}`]);
        take(at(10, ADA));
        expect(published.at(-1)).toBe(`${ADA} 10 {}`);
        expect(queries).toHaveLength(3);
    });

    test('that come while others are being filled share the next query', async () => {
        for (let gseq = 1; gseq <= 5; gseq += 1) take(note(gseq, gseq % 2 === 0 ? ADA : BOB));
        await answer(queries[0]);
        expect(queries.map(({ asked }) => asked.map(({ gseq }) => gseq))).toEqual([[1], [2, 3, 4, 5]]);
        await answer(queries[1]);
        expect(published).toEqual([1, 2, 3, 4, 5].map((gseq) => `${gseq % 2 === 0 ? ADA : BOB} ${gseq} full`));
    });

    test('keep their place though their readers come and go', async () => {
        take(note(1, ADA));
        readers.delete(ADA);
        take(note(2, ADA), note(3, BOB));
        readers.add(ADA);
        await answer(queries[0]);
        await answer(queries[1]);
        expect(published).toEqual([`${ADA} 1 full`, `${ADA} 2 full`, `${BOB} 3 full`]);
    });

    test('are not overtaken by the engine’s signals, nor are these by anything', async () => {
        take(note(1, ADA), at(2, ROOM), at(3, CONTROL), at(4, ROOM));
        take(at(5, 'tidings:access'), at(6, CONTROL));
        expect(published).toEqual([`${ROOM} 2 {}`]);
        await answer(queries[0]);
        await answer(queries[1]);
        expect(published.map((line) => line.split(' ')[1])).toEqual(['2', '1', '3', '4', '5', '6']);
        take(at(7, CONTROL), at(8, ROOM));
        expect(published.slice(6)).toEqual([`${CONTROL} 7 {}`, `${ROOM} 8 {}`]);
    });

    test('in great numbers make the tail wait until there is room', async () => {
        take(note(1, ADA));
        const many = Array.from({ length: 10_001 }, (_, n) => note(2 + n, ADA));
        let roomy = false;
        const room = take(...many);
        expect(room).toBeInstanceOf(Promise);
        const waiting = room?.then(() => {
            roomy = true;
        });
        await answer(queries[0]);
        expect(roomy).toBe(false);
        await answer(queries[1]);
        await waiting;
        expect(published).toHaveLength(10_002);
    });
});

describe('a query that fails', () => {
    test('is put again, less and less often; meanwhile everybody else is served, and then all come in order', async () => {
        take(note(1, ADA));
        for (let tries = 0; tries < 6; tries += 1) {
            await fail(queries[tries]);
            take(at(10 + tries, ROOM), at(20 + tries, ADA));
            expect(published).toHaveLength(tries + 1);
            retry?.();
            await settled();
        }
        expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
        expect(observed).toEqual(
            Array(6).fill({ type: 'handler.failed', where: 'inbox frames', error: new Error('down') }),
        );
        await answer(queries[6]);
        await answer(queries[7]);
        expect(published.slice(6)).toEqual([
            `${ADA} 1 full`,
            ...[20, 21, 22, 23, 24, 25].map((gseq) => `${ADA} ${gseq} {}`),
        ]);
    });

    test('for long is given up: a reset takes the place of what it was for, the rest keeps its own', async () => {
        take(note(1, ADA), at(2, ADA), note(3, ADA));
        await fail(queries[0]);
        take(note(4, BOB));
        nowMs = 10_000;
        retry?.();
        await settled();
        await fail(queries[1]);
        const told = batches.at(-1)?.events.map(({ gseq, seq, event, data }) => [gseq, seq > 0, event, data]);
        expect(told).toEqual([
            [1, true, 'tidings.reset', '{"reason":"lag"}'],
            [2, true, 'thing.happened', '{}'],
            [3, true, 'tidings.reset', '{"reason":"lag"}'],
        ]);
        await answer(queries[2]);
        expect(published.at(-1)).toBe(`${BOB} 4 full`);
    });

    test('is not put again once the server stops', async () => {
        take(note(1, ADA));
        await fail(queries[0]);
        await intake.stop();
        await intake.stop();
        expect(queries).toHaveLength(1);
        expect(published).toEqual([]);
        take(note(2, ADA));
        expect(published).toEqual([`${ADA} 2 {"id":2}`]);
        expect(queries).toHaveLength(1);
    });
});

describe('another epoch', () => {
    test('voids what is being filled and what waits, also where it is failing', async () => {
        take(note(1, ADA));
        take(at(2, ADA));
        intake.clear();
        take(at(3, ROOM));
        await answer(queries[0]);
        expect(published).toEqual([`${ROOM} 3 {}`]);
        take(note(4, ADA));
        await fail(queries[1]);
        intake.clear();
        retry?.();
        await settled();
        expect(queries).toHaveLength(2);
        take(at(5, ADA));
        expect(published.at(-1)).toBe(`${ADA} 5 {}`);
    });

    test('in a batch does so too; its own news come after, in order', async () => {
        take(note(1, ADA));
        intake.take({ events: [note(2, ADA), at(3, ADA)], epoch: 'k2', gseq: 3 });
        expect(queries).toHaveLength(1);
        await answer(queries[0]);
        await answer(queries[1]);
        expect(published).toEqual([`${ADA} 2 full`, `${ADA} 3 {}`]);
        expect(batches.at(-1)?.epoch).toBe('k2');
    });
});

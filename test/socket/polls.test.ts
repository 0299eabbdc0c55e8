/** Requests that wait for events, over a log in memory. */

import { describe, expect, test } from 'vitest';
import type { Since } from '../../src/protocol/index.ts';
import { createPolls } from '../../src/socket/index.ts';
import { createBench } from './bench-of-sockets.ts';

const P = 'project:1';
const START: Since = { seq: 0, epoch: 'k1' };

type Asked = { readonly since?: Since; readonly limit?: number; readonly waitMs?: number };

function createBenchOfPolls(wsMaxConnections: number | null = null) {
    const bench = createBench({ wsMaxConnections });
    const read = createPolls({ sessions: bench.sessions });

    function ask({ since = null, limit = 100, waitMs = 25_000 }: Asked = {}) {
        const controller = new AbortController();
        const answer = read({ userId: 'ann', topic: P, since, limit, waitMs }, controller.signal);
        // A refusal is looked at when the test comes to it.
        answer.catch(() => undefined);
        return { answer, leave: () => controller.abort() };
    }

    /** One that waits. */
    async function waiting(asked: Asked = {}) {
        const poll = ask(asked);
        await bench.clock.settle();
        return poll;
    }

    return { ...bench, ask, waiting };
}

const seqsOf = (page: { readonly items: readonly Buffer[] } | null) =>
    page?.items.map((item) => (JSON.parse(item.toString()) as { readonly seq: number }).seq);

describe('a page', () => {
    test('ends at its limit, and at a mebibyte', async () => {
        const { log, waiting, clock } = createBenchOfPolls();
        const data = JSON.stringify('x'.repeat(300_000));
        for (let n = 0; n < 6; n += 1) log.append(P, { data });
        const [few, many] = [await waiting({ since: START, limit: 2 }), await waiting({ since: START })];
        await clock.settle();
        expect([seqsOf(await few.answer), seqsOf(await many.answer)]).toEqual([
            [1, 2],
            [1, 2, 3, 4],
        ]);
        expect(await few.answer).toMatchObject({ seq: 2, epoch: 'k1', outcome: 'resumed' });
    });

    test('waits for what was published while it was pinned', async () => {
        const { log, ask, publish, clock } = createBenchOfPolls();
        const release = log.hold();
        const { answer } = ask();
        await clock.settle();
        await publish(log.append(P), log.append(P));
        release();
        await clock.settle();
        expect(seqsOf(await answer)).toEqual([1, 2]);
    });

    test('behind a change of access is given only once the right is known', async () => {
        const { log, waiting, publish, clock } = createBenchOfPolls();
        const [kept, lost] = [await waiting(), await waiting()];
        const release = log.hold();
        let done = false;
        void kept.answer.then(() => {
            done = true;
        });
        await publish(log.access('ann', P), log.append(P));
        expect(done).toBe(false);
        release();
        await clock.pass(50);
        expect([seqsOf(await kept.answer), seqsOf(await lost.answer)]).toEqual([[1], [1]]);

        const denied = await waiting();
        log.deny('ann', P);
        await publish(log.access('ann', null), log.append(P));
        expect(await denied.answer).toBeNull();
    });

    test('is not given to who was disconnected', async () => {
        const { log, waiting, publish } = createBenchOfPolls();
        const { answer } = await waiting();
        await publish(log.disconnect('ann'));
        expect(await answer).toBeNull();
    });

    test('is a reset if something is lost meanwhile, whatever came before it', async () => {
        const { log, waiting, publish } = createBenchOfPolls();
        log.append(P);
        const { answer } = await waiting({ since: { seq: 1, epoch: 'k1' } });
        const [event, loss] = [log.append(P), log.reset(P)];
        await publish({ ...loss, events: [...event.events, ...loss.events] });
        expect(await answer).toEqual({ items: [], seq: 3, epoch: 'k1', outcome: 'reset' });
    });
});

test('one that need not wait doesn’t, and costs one pin', async () => {
    const { log, waiting, observed } = createBenchOfPolls();
    expect(await (await waiting({ waitMs: 0 })).answer).toMatchObject({ items: [], outcome: 'live' });
    expect([log.pinned.length, observed]).toEqual([1, []]);
});

describe('one that waits', () => {
    test('is checked again before its answer', async () => {
        const { log, waiting, publish } = createBenchOfPolls();
        const { answer } = await waiting();
        log.deny('ann', P);
        await publish(log.append(P));
        expect([await answer, log.pinned.length]).toEqual([null, 2]);
    });

    test('leaves the topic at once when its client goes', async () => {
        const { waiting, hub, clock } = createBenchOfPolls();
        const { answer, leave } = await waiting();
        expect(hub.readers(P)).toBe(1);
        leave();
        expect(await answer).toBeNull();
        expect([hub.readers(P), clock.pendingTimers]).toEqual([0, 0]);
    });

    test('answers at a stop; later ones are refused', async () => {
        const { waiting, sessions, clock } = createBenchOfPolls();
        const { answer } = await waiting();
        await sessions.closeAll(0);
        await clock.settle();
        expect(await answer).toMatchObject({ items: [], seq: 0, outcome: 'live' });
        await expect((await waiting()).answer).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 1000 });
    });

    test('counts among the connections', async () => {
        const { waiting, join } = createBenchOfPolls(2);
        await join('bob');
        await waiting();
        await expect((await waiting()).answer).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    });
});

test('a log that can’t be read is a passing fault, in time', async () => {
    const { log, waiting, clock } = createBenchOfPolls();
    log.append(P);
    log.gate = () => Promise.reject(new Error('the database is away'));
    await expect((await waiting()).answer).rejects.toMatchObject({ code: 'unavailable' });
    log.gate = async () => undefined;
    log.read = () => new Promise(() => undefined);
    const { answer } = await waiting({ since: START, waitMs: 0 });
    await clock.pass(10_000);
    await expect(answer).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 1000 });
    expect(clock.pendingTimers).toBe(0);
});

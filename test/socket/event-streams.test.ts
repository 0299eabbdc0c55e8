/** Streams of server-sent events over a log in memory, read as fast as a test likes. */

import { describe, expect, test } from 'vitest';
import type { Since } from '../../src/protocol/index.ts';
import { createEventStreams, type SocketSettings } from '../../src/socket/index.ts';
import { createBench } from './bench-of-sockets.ts';

const [P, Q] = ['project:1', 'project:2'];
const DATA = JSON.stringify('x'.repeat(100));

type Asked = {
    readonly topics?: readonly string[];
    readonly since?: Since;
    readonly lastEventId?: string | null;
    readonly lifeMs?: number;
};

/** A stream as its client sees it: nothing is taken before it is read. */
function collect(body: ReadableStream<Uint8Array>) {
    const reader = body.getReader();
    let text = '';
    let end: 'done' | 'broken' | null = null;

    async function readOn(chunks = Number.POSITIVE_INFINITY): Promise<void> {
        for (let n = 0; n < chunks && end === null; n += 1) {
            try {
                const { done, value } = await reader.read();
                if (done) end = 'done';
                else text += Buffer.from(value).toString();
            } catch {
                end = 'broken';
            }
        }
    }

    const blocks = () => text.split('\n\n').slice(0, -1);
    const frames = () =>
        blocks().flatMap((block) => {
            const data = /(?:^|\n)data: (.*)$/.exec(block)?.[1];
            return data === undefined ? [] : [JSON.parse(data) as Record<string, unknown>];
        });
    return {
        readOn,
        blocks,
        frames,
        end: () => end,
        seqs: (topic: string) =>
            frames().flatMap((frame) => (frame['type'] === 'event' && frame['topic'] === topic ? [frame['seq']] : [])),
        lastId: () =>
            blocks()
                .flatMap((block) => /^id: (.*)$/m.exec(block)?.[1] ?? [])
                .at(-1) ?? null,
        leave: () => reader.cancel(),
    };
}

function createStreams(settings: Partial<SocketSettings> = {}) {
    const bench = createBench(settings);
    const open = createEventStreams({ sessions: bench.sessions, random: () => 0.5 });

    function ask({ topics = [P], since = null, lastEventId = null, lifeMs = 3_600_000 }: Asked = {}) {
        const expiresAtMs = bench.clock.wallMs() + lifeMs;
        return collect(open({ userId: 'ann', expiresAtMs, topics, since, lastEventId, address: '127.0.0.1' }));
    }

    /** One that reads all that comes. */
    async function stream(asked: Asked = {}) {
        const source = ask(asked);
        void source.readOn();
        await bench.clock.settle();
        return source;
    }

    return { ...bench, ask, stream };
}

describe('a stream', () => {
    test('begins with when to come back, then says the answers in the order asked, pinned together', async () => {
        const { stream, log, publish } = createStreams();
        log.appendMany(P, 4);
        log.deny('ann', 'project:3');
        const source = await stream({ topics: [P, 'project:3', Q] });
        await publish(log.append(P));
        const message = 'expected a topic you may read';
        expect(source.blocks()[0]).toBe('retry: 2000');
        expect(source.frames()).toMatchObject([
            { type: 'subscribed', topic: P, seq: 4, outcome: 'live' },
            { type: 'error', code: 'forbidden', message, topic: 'project:3' },
            { type: 'subscribed', topic: Q, seq: 0, outcome: 'live' },
            { type: 'event', topic: P, seq: 5 },
        ]);
        expect(log.pinned).toHaveLength(1);
    });

    test('does not join its user’s own topic unasked, and counts it not when asked', async () => {
        const { stream, log, publish } = createStreams({ wsMaxSubscriptions: 1 });
        const [without, having] = [await stream(), await stream({ topics: [P, 'user:ann'] })];
        await publish(log.append('user:ann'));
        expect([without.seqs('user:ann'), having.seqs('user:ann')]).toEqual([[], [1]]);
    });

    test('that is cut anywhere goes on by its last id, every topic where it was', async () => {
        const { stream, log, publish } = createStreams();
        let lastEventId: string | null = null;
        const seen: unknown[] = [];
        for (let n = 0; n < 30; n += 1) {
            const source = await stream({ topics: [P, Q], lastEventId });
            await publish(log.append(n % 3 === 0 ? P : Q), log.append(P));
            await source.leave();
            seen.push(...source.seqs(P));
            lastEventId = source.lastId() ?? lastEventId;
            log.append(Q);
            log.append(P);
        }
        expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => n + 1));
        expect(seen.length).toBeGreaterThan(60);
    });

    test('takes since where the last id knows nothing of a topic', async () => {
        const { stream, log } = createStreams();
        log.appendMany(P, 4);
        const other = await stream({ topics: [Q] });
        const source = await stream({
            since: { seq: 2, epoch: 'k1' },
            lastEventId: other.lastId() ?? '1;k1;aaaaaaaa1',
        });
        expect(source.seqs(P)).toEqual([3, 4]);
    });

    test('shows a sign of life each heartbeat, and none after its end', async () => {
        const { stream, clock } = createStreams({ heartbeatMs: 1000 });
        const source = await stream();
        await clock.pass(3500);
        expect(source.blocks().filter((block) => block === ': ping')).toHaveLength(3);
        await source.leave();
        await clock.settle();
        expect(clock.pendingTimers).toBe(0);
    });

    test('leaves every topic at once when its client goes', async () => {
        const { stream, hub, sessions, observed } = createStreams();
        const source = await stream({ topics: [P, Q] });
        expect([hub.readers(P), hub.readers(Q), sessions.count()]).toEqual([1, 1, 1]);
        await source.leave();
        expect([hub.readers(P), hub.readers(Q), sessions.count()]).toEqual([0, 0, 0]);
        expect(observed).toContainEqual(expect.objectContaining({ type: 'socket.closed', userId: 'ann', code: 1006 }));
    });

    test('whose client goes before the pins are there leaves nothing behind', async () => {
        const { ask, log, hub, sessions, clock } = createStreams();
        const release = log.hold();
        const source = ask();
        await clock.settle();
        await source.leave();
        release();
        await clock.settle();
        expect([hub.readers(P), sessions.count(), clock.pendingTimers]).toEqual([0, 0, 0]);
    });
});

describe('a stream ends', () => {
    const ends = (source: ReturnType<typeof collect>) => [source.frames().at(-1), source.blocks().at(-1), source.end()];

    test('with the error of the socket when its token does', async () => {
        const { stream, clock } = createStreams();
        const source = await stream({ lifeMs: 5000 });
        await clock.pass(5000);
        expect(ends(source)).toMatchObject([{ type: 'error', code: 'unauthorized' }, 'retry: 60000', 'done']);
    });

    test('if none of its topics is to be read', async () => {
        const { stream, log } = createStreams();
        log.deny('ann', P);
        expect(ends(await stream())).toMatchObject([{ type: 'error', code: 'forbidden' }, 'retry: 60000', 'done']);
    });

    test('when the last of its topics is taken away, not before', async () => {
        const { stream, log, publish } = createStreams();
        const source = await stream({ topics: [P, Q] });
        log.deny('ann', P);
        await publish(log.access('ann', P), log.append(P));
        expect([source.frames().at(-1), source.end()]).toMatchObject([
            { type: 'unsubscribed', topic: P, reason: 'revoked' },
            null,
        ]);
        log.deny('ann', Q);
        await publish(log.access('ann', null, 'deleted'), log.append(Q));
        expect(ends(source)).toMatchObject([
            { type: 'unsubscribed', topic: Q, reason: 'deleted' },
            'retry: 60000',
            'done',
        ]);
        expect(source.seqs(P)).toEqual([]);
    });

    test('when all connections of its user are ended', async () => {
        const { stream, log, publish } = createStreams();
        const source = await stream();
        await publish(log.disconnect('ann'));
        expect(ends(source)).toMatchObject([{ type: 'error', code: 'forbidden' }, 'retry: 60000', 'done']);
    });

    test('for another try where a pin can’t be had', async () => {
        const { stream, log } = createStreams();
        log.gate = () => Promise.reject(new Error('the database is away'));
        expect(ends(await stream())).toMatchObject([
            { type: 'error', code: 'internal', topic: P },
            expect.stringContaining('internal'),
            'done',
        ]);
    });

    test('at a stop, told when to come back; one opened later comes back, too', async () => {
        const { stream, sessions, clock } = createStreams();
        const source = await stream();
        const closed = sessions.closeAll(100);
        await clock.pass(100);
        await closed;
        expect([source.blocks().at(-1), source.end()]).toEqual(['retry: 2500', 'done']);
        const late = await stream();
        expect([late.blocks(), late.end()]).toEqual([['retry: 2000'], 'done']);
    });
});

describe('a slow reader', () => {
    test('is fed from the log, with bounded memory, and misses nothing', async () => {
        const { ask, log, publish, clock, observed } = createStreams({ replayLimit: 100_000 });
        const source = ask();
        await Promise.all([source.readOn(2), clock.settle()]);
        for (let n = 0; n < 300; n += 1) {
            await publish(log.append(P, { data: DATA }), log.append(P, { data: DATA }));
            if (n % 10 === 0) await Promise.all([source.readOn(1), clock.settle()]);
        }
        const behind = 600 - source.seqs(P).length;
        expect(behind).toBeGreaterThan(300);
        expect(observed).toContainEqual(expect.objectContaining({ type: 'socket.slow', slow: true }));
        void source.readOn();
        for (let n = 0; n < 600 && source.seqs(P).length < 600; n += 1) await clock.settle();
        expect(source.seqs(P)).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
        expect(source.frames().filter(({ type }) => type === 'reset')).toEqual([]);
    });

    test('that takes nothing at all is cut', async () => {
        const { ask, log, publish, clock, sessions, hub } = createStreams({ stallDeadlineMs: 10_000 });
        const source = ask();
        await Promise.all([source.readOn(2), clock.settle()]);
        await publish(log.appendMany(P, 100));
        await clock.pass(10_000);
        expect([sessions.count(), hub.readers(P)]).toEqual([0, 0]);
        await source.readOn();
        expect(source.end()).toBe('broken');
    });
});

describe('refused', () => {
    test('are more topics than one may have', () => {
        const { ask } = createStreams({ wsMaxSubscriptions: 2 });
        expect(() => ask({ topics: [P, Q, 'project:3'] })).toThrow(
            expect.objectContaining({
                code: 'too_many_subscriptions',
                status: 400,
                message: 'expected at most 2 topics on one stream, got 3',
            }),
        );
    });

    test('are more connections than there may be, sockets among them', async () => {
        const { ask, join } = createStreams({ wsMaxConnections: 2 });
        await join('bob');
        ask();
        expect(() => ask()).toThrow(expect.objectContaining({ code: 'unavailable', status: 503, retryAfterMs: 3500 }));
    });
});

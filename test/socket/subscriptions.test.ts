import { describe, expect, test } from 'vitest';
import { createBench } from './bench-of-sockets.ts';

const P = 'project:1';

describe('subscribe', () => {
    test('answers with the head and goes on live, up by one', async () => {
        const bench = createBench();
        bench.log.appendMany(P, 5);
        const { wire, say } = await bench.join();
        await say({ type: 'subscribe', topic: P, ref: 'a' });
        expect(wire.frames.at(-1)).toEqual({
            type: 'subscribed',
            topic: P,
            seq: 5,
            epoch: 'k1',
            outcome: 'live',
            ref: 'a',
        });
        await bench.publish(bench.log.appendMany(P, 3));
        expect(wire.seqs(P)).toEqual([6, 7, 8]);
    });

    test('with since gives what came after it, then live events', async () => {
        const bench = createBench();
        bench.log.appendMany(P, 450);
        const { wire, say } = await bench.join();
        await say({ type: 'subscribe', topic: P, since: 3, epoch: 'k1' });
        await bench.publish(bench.log.append(P));
        expect(wire.frames[1]).toMatchObject({ type: 'subscribed', seq: 450, outcome: 'resumed' });
        expect(wire.seqs(P)).toEqual(Array.from({ length: 448 }, (_, n) => n + 4));
        expect(bench.log.reads).toEqual([`${P} 3..500`]);
    });

    test.each([
        ['since at the head', 450, 'k1', 'resumed', 0],
        ['another epoch', 3, 'k0', 'reset', 0],
        ['above the head', 451, 'k1', 'reset', 0],
        ['beyond the replay limit', 49, 'k1', 'reset', 0],
        ['at the replay limit', 50, 'k1', 'resumed', 400],
    ])('%s: since %i of %s is %s', async (_, since, epoch, outcome, replayed) => {
        const bench = createBench({ replayLimit: 400 });
        bench.log.appendMany(P, 450);
        const { wire, say } = await bench.join();
        await say({ type: 'subscribe', topic: P, since, epoch });
        expect(wire.frames[1]).toMatchObject({ type: 'subscribed', seq: 450, outcome });
        expect(wire.seqs(P)).toHaveLength(replayed);
        await bench.publish(bench.log.append(P));
        expect(wire.seqs(P).at(-1)).toBe(451);
    });

    test('a past that retention took, or that has a loss in it, is a reset', async () => {
        const bench = createBench();
        bench.log.appendMany(P, 5);
        bench.log.forget(P, 3);
        const { wire, say } = await bench.join();
        await say({ type: 'subscribe', topic: P, since: 2, epoch: 'k1' });
        await say({ type: 'subscribe', topic: P, since: 3, epoch: 'k1' });
        bench.log.reset(P);
        await say({ type: 'subscribe', topic: P, since: 3, epoch: 'k1' });
        expect(wire.of('subscribed').map(({ outcome }) => outcome)).toEqual(['reset', 'resumed', 'reset']);
    });

    test('what is published between the pin and its answer is neither lost nor doubled', async () => {
        const bench = createBench();
        bench.log.appendMany(P, 2);
        const { wire, session } = await bench.join();
        const release = bench.log.hold();
        session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 0, epoch: 'k1' }));
        const unpublished = bench.log.append(P);
        await bench.clock.settle();
        await bench.publish(unpublished, bench.log.appendMany(P, 2));
        release();
        await bench.publish(bench.log.append(P));
        expect(wire.of('subscribed')[0]).toMatchObject({ seq: 3, outcome: 'resumed' });
        expect(wire.seqs(P)).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test('a flood while the past is replayed goes back to the log and loses nothing', async () => {
        const bench = createBench();
        bench.log.appendMany(P, 10);
        const { wire, session } = await bench.join();
        const release = bench.log.hold();
        session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 0, epoch: 'k1' }));
        await bench.clock.settle();
        await bench.publish(bench.log.appendMany(P, 700));
        release();
        await bench.clock.settle();
        expect(wire.seqs(P)).toEqual(Array.from({ length: 710 }, (_, n) => n + 1));
    });

    test('a batch gets one answer per topic, in order, from one query', async () => {
        const bench = createBench({ wsMaxSubscriptions: 2 });
        bench.log.deny('ann', 'project:2');
        const { wire, say } = await bench.join();
        await say({
            type: 'subscribe',
            topics: [
                { topic: P },
                { topic: 'project:2' },
                { topic: 'x' },
                { topic: 'project:3' },
                { topic: P, since: 0, epoch: 'k1' },
            ],
            ref: 'b',
        });
        expect(wire.frames.slice(1).map(({ type, topic, code, ref }) => [type, topic, code, ref])).toEqual([
            ['subscribed', P, undefined, 'b'],
            ['error', 'project:2', 'forbidden', 'b'],
            ['error', 'x', 'bad_request', 'b'],
            ['error', 'project:3', 'too_many_subscriptions', 'b'],
            ['subscribed', P, undefined, 'b'],
        ]);
        expect(bench.log.pinned.map((requests) => requests.length)).toEqual([1, 2, 1]);
    });

    test('joins of one turn, over many sockets, are one query', async () => {
        const bench = createBench();
        const peers = await Promise.all([bench.join('ann'), bench.join('bob'), bench.join('cyd')]);
        bench.log.pinned.length = 0;
        for (const { session } of peers) session.receive(JSON.stringify({ type: 'subscribe', topic: P }));
        await bench.clock.settle();
        expect(bench.log.pinned.map((requests) => requests.map(({ userId }) => userId))).toEqual([
            ['ann', 'bob', 'cyd'],
        ]);
    });

    test.each(['project:9', 'nosuch:1', 'user:bob', 'tidings:access'])(
        '%s that may not be read is forbidden',
        async (topic) => {
            const bench = createBench();
            bench.log.deny('ann', 'project:9');
            const { wire, say } = await bench.join();
            await say({ type: 'subscribe', topic, ref: 'f' });
            const message = 'expected a topic you may read';
            expect(wire.frames.slice(1)).toEqual([{ type: 'error', code: 'forbidden', message, topic, ref: 'f' }]);
            expect([wire.closed, bench.hub.readers(topic)]).toEqual([null, 0]);
        },
    );

    test('the cap counts neither the user topic nor a restart', async () => {
        const bench = createBench({ wsMaxSubscriptions: 2 });
        const { wire, say } = await bench.join('ann', P, 'project:2');
        await say({ type: 'subscribe', topic: P });
        await say({ type: 'subscribe', topic: 'user:ann' });
        expect(wire.of('error')).toEqual([]);
        await say({ type: 'subscribe', topic: 'project:3' });
        expect(wire.of('error')).toMatchObject([{ code: 'too_many_subscriptions', topic: 'project:3' }]);
        await say({ type: 'unsubscribe', topic: P });
        await say({ type: 'subscribe', topic: 'project:3' });
        expect(wire.frames.at(-1)).toMatchObject({ type: 'subscribed', topic: 'project:3' });
    });

    test('a pin that fails answers internal and leaves the topic unjoined', async () => {
        const bench = createBench();
        const { wire, say } = await bench.join();
        bench.log.gate = () => Promise.reject(new Error('down'));
        await say({ type: 'subscribe', topic: P, ref: 'a' });
        expect(wire.frames.at(-1)).toMatchObject({ type: 'error', code: 'internal', topic: P, ref: 'a' });
        expect([wire.closed, bench.hub.readers(P)]).toEqual([null, 0]);
    });

    test('a since above this log is waited for where the log may lag', async () => {
        const bench = createBench({ lagWaitMs: 5000 });
        const { wire, session } = await bench.join();
        session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 2, epoch: 'k1' }));
        await bench.clock.pass(3000);
        expect(wire.of('subscribed')).toEqual([]);
        await bench.publish(bench.log.appendMany(P, 3));
        await bench.clock.pass(100);
        expect(wire.of('subscribed')).toMatchObject([{ seq: 3, outcome: 'resumed' }]);
        expect(wire.seqs(P)).toEqual([3]);
        session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 9, epoch: 'k1' }));
        await bench.clock.pass(4900);
        expect(wire.of('subscribed')).toHaveLength(1);
        await bench.clock.pass(200);
        expect(wire.of('subscribed').at(-1)).toMatchObject({ seq: 3, outcome: 'reset' });
    });
});

describe('restart', () => {
    test('live stops, subscribed, replay, live', async () => {
        const bench = createBench();
        const { wire, say } = await bench.join('ann', P);
        await bench.publish(bench.log.appendMany(P, 3));
        await say({ type: 'subscribe', topic: P, since: 1, epoch: 'k1', ref: 'again' });
        await bench.publish(bench.log.append(P));
        expect(wire.frames.slice(2).map(({ type, seq }) => [type, seq])).toEqual([
            ['event', 1],
            ['event', 2],
            ['event', 3],
            ['subscribed', 3],
            ['event', 2],
            ['event', 3],
            ['event', 4],
        ]);
        expect(bench.hub.readers(P)).toBe(1);
    });

    test('also of the user topic, which can not be left', async () => {
        const bench = createBench();
        bench.log.append('user:ann');
        const { wire, say } = await bench.join('ann');
        await say({ type: 'subscribe', topic: 'user:ann', since: 0, epoch: 'k1' });
        await say({ type: 'unsubscribe', topic: 'user:ann', ref: 'u' });
        expect(wire.frames.slice(1)).toMatchObject([
            { type: 'subscribed', outcome: 'resumed' },
            { type: 'event', seq: 1 },
            { type: 'error', code: 'bad_request', topic: 'user:ann', ref: 'u' },
        ]);
        await bench.publish(bench.log.append('user:ann'));
        expect(wire.seqs('user:ann')).toEqual([1, 2]);
    });
});

test('unsubscribe is answered and nothing comes after it', async () => {
    const bench = createBench();
    const { wire, say } = await bench.join('ann', P);
    await say({ type: 'unsubscribe', topic: P, ref: 'c' });
    await bench.publish(bench.log.append(P));
    expect(wire.frames.at(-1)).toEqual({ type: 'unsubscribed', topic: P, reason: 'requested', ref: 'c' });
    expect(bench.hub.readers(P)).toBe(0);
});

describe('resets', () => {
    test('a row lost in the topic is a reset in its place', async () => {
        const bench = createBench();
        const { wire } = await bench.join('ann', P);
        await bench.publish(bench.log.append(P), bench.log.reset(P), bench.log.append(P));
        expect(wire.frames.slice(2)).toMatchObject([
            { type: 'event', seq: 1 },
            { type: 'reset', topic: P, seq: 2, epoch: 'k1', reason: 'capture_error' },
            { type: 'event', seq: 3 },
        ]);
        expect(bench.observed).toContainEqual({ type: 'subscription.reset', topic: P, reason: 'capture_error' });
    });

    test('a floor of the kind resets its topics once, and only those pinned before it', async () => {
        const bench = createBench();
        const before = await bench.join('ann', P);
        bench.log.append(P);
        const floor = bench.log.floor('project');
        const after = await bench.join('bob', P);
        await bench.publish({ ...bench.log.append('user:zed'), events: [] }, floor, bench.log.append(P));
        expect(before.wire.of('reset')).toEqual([
            { type: 'reset', topic: P, seq: 0, epoch: `k1.${floor.gseq}`, reason: 'capture_error' },
        ]);
        expect(after.wire.of('subscribed')).toMatchObject([{ epoch: `k1.${floor.gseq}`, seq: 1 }]);
        expect(after.wire.of('reset')).toEqual([]);
        expect(after.wire.seqs(P)).toEqual([2]);
    });

    test('another epoch pins everything again and says where it stands now', async () => {
        const bench = createBench();
        const { wire } = await bench.join('ann', P);
        await bench.publish(bench.log.appendMany(P, 4));
        bench.log.newEpoch('k2');
        bench.log.append(P);
        bench.audience.epochChanged();
        await bench.publish(bench.log.append(P));
        const resets = wire.of('reset').map(({ topic, seq, epoch, reason }) => [topic, seq, epoch, reason]);
        expect(resets).toEqual([
            ['user:ann', 0, 'k2', 'epoch'],
            [P, 2, 'k2', 'epoch'],
        ]);
        await bench.publish(bench.log.append(P));
        expect(wire.seqs(P).at(-1)).toBe(3);
    });

    test('a right that is gone when a topic is pinned again ends its subscription', async () => {
        const bench = createBench();
        const { wire } = await bench.join('ann', P);
        bench.log.deny('ann', P);
        bench.log.newEpoch('k2');
        bench.audience.epochChanged();
        await bench.clock.settle();
        expect(wire.of('unsubscribed')).toEqual([{ type: 'unsubscribed', topic: P, reason: 'revoked' }]);
        expect(bench.hub.readers(P)).toBe(0);
    });
});

describe('a slow socket', () => {
    test('is not pushed to, costs no memory, and is fed from the ring when it drains', async () => {
        const bench = createBench();
        const { wire, session } = await bench.join('ann', P);
        const quick = await bench.join('bob', P);
        wire.stuck = true;
        for (let n = 0; n < 100; n += 1) await bench.publish(bench.log.append(P));
        expect(wire.seqs(P).length).toBeLessThan(20);
        expect(quick.wire.seqs(P)).toHaveLength(100);
        expect(bench.observed).toContainEqual(expect.objectContaining({ type: 'socket.dropped', reason: 'slow' }));
        expect(bench.log.reads).toEqual([]);
        wire.drain();
        session.drained();
        await bench.publish(bench.log.append(P));
        expect(wire.seqs(P)).toEqual(Array.from({ length: 101 }, (_, n) => n + 1));
        expect(bench.log.reads).toEqual([]);
    });

    test('whose transport drops a frame gets it again', async () => {
        const bench = createBench({ wsMaxBackpressureBytes: null });
        const { wire, session } = await bench.join('ann', P);
        wire.stuck = true;
        wire.dropBytes = 300;
        await bench.publish(bench.log.appendMany(P, 10));
        expect(wire.seqs(P).length).toBeLessThan(10);
        wire.drain();
        session.drained();
        await bench.clock.settle();
        expect(wire.seqs(P)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    test('too far behind is told to reload', async () => {
        const bench = createBench({ replayLimit: 50 });
        const { wire, session } = await bench.join('ann', P);
        wire.stuck = true;
        for (let n = 0; n < 100; n += 1) await bench.publish(bench.log.append(P));
        wire.drain();
        session.drained();
        await bench.publish(bench.log.append(P));
        expect(wire.of('reset')).toEqual([{ type: 'reset', topic: P, seq: 100, epoch: 'k1', reason: 'lag' }]);
        expect(wire.frames.at(-1)).toMatchObject({ type: 'event', seq: 101 });
    });

    test('gets its answers in order, and new frames are handled when it reads again', async () => {
        const bench = createBench();
        const { wire, session, say } = await bench.join('ann', P);
        wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 20));
        await say({ type: 'ping', ref: 'late' });
        expect(wire.of('pong')).toEqual([]);
        wire.drain();
        session.drained();
        await bench.clock.settle();
        expect(wire.of('pong')).toEqual([{ type: 'pong', ref: 'late' }]);
        expect(wire.seqs(P)).toHaveLength(20);
    });

    test('that takes nothing for a minute is closed with 4508; one that reads a little is not', async () => {
        const bench = createBench();
        const stuck = await bench.join('ann', P);
        const slow = await bench.join('bob', P);
        stuck.wire.stuck = true;
        slow.wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 20));
        await bench.clock.pass(30_000);
        slow.wire.read(1);
        await bench.clock.pass(30_000);
        expect([stuck.wire.closed?.code, slow.wire.closed]).toEqual([4508, null]);
    });

    test('all frames of a turn leave in one cork', async () => {
        const bench = createBench();
        const { wire } = await bench.join('ann', P, 'project:2');
        const before = wire.corks;
        await bench.publish(bench.log.appendMany(P, 5), bench.log.appendMany('project:2', 5));
        expect(wire.corks - before).toBe(1);
        expect([wire.seqs(P).length, wire.seqs('project:2').length]).toEqual([5, 5]);
    });
});

test('a log that can not be read is tried again, and nothing is missing', async () => {
    const bench = createBench();
    bench.log.appendMany(P, 3);
    const { wire, session } = await bench.join();
    session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 0, epoch: 'k1' }));
    let reads = 0;
    const read = bench.log.read.bind(bench.log);
    bench.log.read = async (...range) => {
        reads += 1;
        if (reads < 3) throw new Error('down');
        return await read(...range);
    };
    await bench.clock.pass(2000);
    expect(reads).toBe(3);
    expect(wire.seqs(P)).toEqual([1, 2, 3]);
});

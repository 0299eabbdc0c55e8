/** Rights that change under subscriptions: what a socket still gets, what it is told, and what it never gets. */

import { describe, expect, test } from 'vitest';
import { createBench, type Peer } from './bench-of-sockets.ts';

const P = 'project:1';
const Q = 'project:2';

type Bench = ReturnType<typeof createBench>;

/** Takes the right, and answers the batch with its row. */
function revoke({ log }: Bench, topic = P, reason = 'revoked') {
    log.deny('ann', topic);
    return log.access('ann', topic, reason);
}

function told({ wire }: Peer, from = 0): unknown[] {
    return wire.frames.slice(from).map(({ type, topic, seq, reason }) => [type, topic, ...(reason ? [reason] : [seq])]);
}

describe('a right that is gone', () => {
    test('ends the subscription in its place: what stands before the row is delivered, what stands behind it is not', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        const bob = await bench.join('bob', P);
        await bench.publish(bench.log.append(P), revoke(bench), bench.log.append(P));
        await bench.publish(bench.log.append(P));
        expect(told(ann, 2)).toEqual([
            ['event', P, 1],
            ['unsubscribed', P, 'revoked'],
        ]);
        expect(ann.wire.frames.at(-1)).toEqual({ type: 'unsubscribed', topic: P, reason: 'revoked' });
        expect(bob.wire.seqs(P)).toEqual([1, 2, 3]);
        expect([bench.hub.readers(P), ann.wire.closed]).toEqual([1, null]);
        expect(bench.observed).toContainEqual({ type: 'subscription.revoked', topic: P, reason: 'revoked' });
    });

    test('because there is nothing left to read is said so, also when other changes follow', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        await bench.publish(revoke(bench, P, 'deleted'), bench.log.access('ann', null), bench.log.append(P));
        expect(told(ann, 2)).toEqual([['unsubscribed', P, 'deleted']]);
    });

    test('concerns every socket of the user, and no topic but its own', async () => {
        const bench = createBench();
        const peers = [await bench.join('ann', P, Q), await bench.join('ann', P)];
        bench.log.deny('ann', Q);
        await bench.publish(revoke(bench), bench.log.append(P), bench.log.append(Q));
        for (const peer of peers) expect(peer.wire.of('unsubscribed')).toMatchObject([{ topic: P }]);
        expect([peers[0]?.wire.seqs(Q), bench.hub.readers(P)]).toEqual([[1], 0]);
    });

    test('of all topics at once: the user’s own stays', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P, Q);
        bench.log.deny('ann', P);
        await bench.publish(
            bench.log.access('ann', null),
            bench.log.append(P),
            bench.log.append(Q),
            bench.log.append('user:ann'),
        );
        expect(told(ann, 3).sort()).toEqual([
            ['event', Q, 1],
            ['event', 'user:ann', 1],
            ['unsubscribed', P, 'revoked'],
        ]);
        await bench.publish(bench.log.access('ann', 'user:ann'), bench.log.append('user:ann'));
        expect(ann.wire.seqs('user:ann')).toEqual([1, 2]);
    });

    test('before the first answer makes it forbidden, though it was asked for in time', async () => {
        const bench = createBench();
        const ann = await bench.join('ann');
        const release = bench.log.hold();
        ann.session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 0, epoch: 'k1', ref: 'a' }));
        await bench.clock.settle();
        await bench.publish(revoke(bench), bench.log.append(P));
        release();
        await bench.clock.settle();
        expect(ann.wire.frames.slice(1)).toEqual([
            { type: 'error', code: 'forbidden', message: 'expected a topic you may read', topic: P, ref: 'a' },
        ]);
    });

    test('between two answers of one batch is not missed', async () => {
        const bench = createBench();
        const ann = await bench.join('ann');
        const pin = bench.log.pin.bind(bench.log);
        bench.log.pin = async (requests) => {
            const pins = await pin(requests);
            if (requests.length > 1) bench.hub.publish(revoke(bench, Q));
            return pins;
        };
        await ann.say({ type: 'subscribe', topics: [{ topic: P }, { topic: Q }] });
        await bench.publish(bench.log.append(P), bench.log.append(Q));
        expect(told(ann, 1)).toEqual([
            ['subscribed', P, 0],
            ['error', Q, undefined],
            ['event', P, 1],
        ]);
    });

    test('while the past is replayed ends it there: the page under way is not handed on', async () => {
        const bench = createBench();
        bench.log.appendMany(P, 450);
        const ann = await bench.join('ann');
        const read = bench.log.read.bind(bench.log);
        bench.log.read = async (...range) => {
            const page = await read(...range);
            bench.hub.publish(revoke(bench));
            return page;
        };
        await ann.say({ type: 'subscribe', topic: P, since: 0, epoch: 'k1' });
        expect(told(ann, 1)).toEqual([
            ['subscribed', P, 450],
            ['unsubscribed', P, 'revoked'],
        ]);
    });

    test('reaches a stalled socket when it reads again, and nothing else of the topic does', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        ann.wire.stuck = true;
        for (let n = 0; n < 20; n += 1) await bench.publish(bench.log.append(P));
        const before = ann.wire.seqs(P).length;
        await bench.publish(revoke(bench), bench.log.append(P));
        ann.wire.drain();
        ann.session.drained();
        await bench.publish(bench.log.append(P));
        expect(ann.wire.seqs(P)).toHaveLength(before);
        expect(ann.wire.frames.at(-1)).toEqual({ type: 'unsubscribed', topic: P, reason: 'revoked' });
    });

    test('can be asked for again, and is forbidden until it is back', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        await bench.publish(revoke(bench));
        await ann.say({ type: 'subscribe', topic: P });
        expect(ann.wire.frames.at(-1)).toMatchObject({ type: 'error', code: 'forbidden' });
        bench.log.allow('ann', P);
        await ann.say({ type: 'subscribe', topic: P, since: 0, epoch: 'k1' });
        expect(ann.wire.frames.at(-1)).toMatchObject({ type: 'subscribed', outcome: 'resumed' });
    });
});

describe('a right that is confirmed', () => {
    test('taken and given again in one batch, nothing is lost and nobody is thrown out', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        const batches = [bench.log.append(P), revoke(bench), bench.log.append(P)];
        bench.log.allow('ann', P);
        batches.push(bench.log.access('ann', P), bench.log.append(P));
        await bench.publish(...batches);
        await bench.publish(bench.log.append(P));
        expect(told(ann, 2)).toEqual([1, 2, 3, 4].map((seq) => ['event', P, seq]));
    });

    test('the same behind a tail that lags: the database is asked as it is now', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        const late = [revoke(bench), bench.log.append(P)];
        bench.log.allow('ann', P);
        late.push(bench.log.access('ann', P), ...Array.from({ length: 300 }, () => bench.log.append(P)));
        for (const batch of late) await bench.publish(batch);
        expect(told(ann, 2)).toEqual(Array.from({ length: 301 }, (_, n) => ['event', P, n + 1]));
        // The snapshot of the first check knew of the second change.
        expect(bench.log.pinned.flat().filter(({ topic }) => topic === P)).toHaveLength(2);
    });

    test('after one given in time, one taken in the meantime counts', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P);
        const release = bench.log.hold();
        bench.hub.publish(bench.log.access('ann', P));
        await bench.clock.settle();
        // The check's snapshot is taken; this row is younger.
        bench.hub.publish(revoke(bench));
        bench.hub.publish(bench.log.append(P));
        release();
        await bench.clock.settle();
        expect(told(ann, 2)).toEqual([['unsubscribed', P, 'revoked']]);
    });

    test('with a slow check delays the topic, not the others, and keeps a bounded backlog', async () => {
        const bench = createBench();
        const ann = await bench.join('ann', P, Q);
        const release = bench.log.hold();
        bench.hub.publish(bench.log.access('ann', P));
        bench.hub.publish(bench.log.appendMany(P, 600));
        bench.hub.publish(bench.log.append(Q));
        await bench.clock.settle();
        expect([ann.wire.seqs(P), ann.wire.seqs(Q)]).toEqual([[], [1]]);
        release();
        await bench.clock.settle();
        expect(ann.wire.seqs(P)).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
    });

    test('many of one turn are one query', async () => {
        const bench = createBench();
        const peers = await Promise.all(['ann', 'bob', 'cyd'].map((user) => bench.join(user, P, Q)));
        bench.log.pinned.length = 0;
        await bench.publish(...['ann', 'bob', 'cyd'].map((user) => bench.log.access(user, null)), bench.log.append(P));
        expect(bench.log.pinned.map((requests) => requests.length)).toEqual([6]);
        expect(peers.map(({ wire }) => wire.seqs(P))).toEqual([[1], [1], [1]]);
    });
});

test('a check that fails is made again until it can be made; until then nothing is delivered', async () => {
    const bench = createBench();
    const ann = await bench.join('ann', P);
    const working = bench.log.gate;
    bench.log.gate = () => Promise.reject(new Error('down'));
    await bench.publish(bench.log.access('ann', P), bench.log.append(P));
    await bench.clock.pass(3000);
    await bench.publish(bench.log.append(P));
    expect(ann.wire.seqs(P)).toEqual([]);
    expect(bench.observed).toContainEqual(expect.objectContaining({ type: 'handler.failed', where: 'pin' }));
    bench.log.gate = working;
    await bench.clock.pass(500);
    expect(told(ann, 2)).toEqual([
        ['event', P, 1],
        ['event', P, 2],
    ]);
    bench.log.gate = () => Promise.reject(new Error('down'));
    await bench.publish(revoke(bench), bench.log.append(P));
    await bench.clock.pass(3000);
    bench.log.gate = working;
    await bench.clock.pass(500);
    expect(told(ann, 4)).toEqual([['unsubscribed', P, 'revoked']]);
});

describe('disconnect', () => {
    test('ends every socket of the user with a reason and 4403, and nobody else’s', async () => {
        const bench = createBench();
        const peers = [await bench.join('ann', P), await bench.join('ann')];
        const bob = await bench.join('bob', P);
        await bench.publish(bench.log.append(P), bench.log.disconnect('ann'), bench.log.append(P));
        for (const { wire } of peers) {
            expect(wire.frames.at(-1)).toEqual({
                type: 'error',
                code: 'forbidden',
                message: 'expected this connection to go on, got a request to end all connections of its user',
            });
            expect(wire.closed).toEqual({ code: 4403, reason: 'forbidden' });
        }
        expect(peers[0]?.wire.seqs(P)).toEqual([1]);
        expect([bob.wire.seqs(P), bob.wire.closed, bench.sessions.count()]).toEqual([[1, 2], null, 1]);
    });

    test('also one that is just joining, and a stalled one', async () => {
        const bench = createBench();
        const stalled = await bench.join('ann', P);
        stalled.wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 20));
        const release = bench.log.hold();
        const joining = bench.peer('ann');
        await bench.clock.settle();
        await bench.publish(bench.log.disconnect('ann'));
        release();
        await bench.clock.settle();
        expect([stalled.wire.closed?.code, joining.wire.closed?.code]).toEqual([4403, 4403]);
        expect([bench.hub.readers('user:ann'), bench.sessions.count()]).toEqual([0, 0]);
    });
});

test('a reader that fails at a change ends alone', async () => {
    const bench = createBench();
    const ann = await bench.join('ann', P);
    const other = await bench.join('ann', P);
    const failed: unknown[] = [];
    const broken = () => {
        throw new Error('broken');
    };
    const attendee = {
        accessChanged: broken,
        disconnected: broken,
        epochChanged: broken,
        failed: (error: unknown) => void failed.push(error),
    };
    bench.audience.enter('ann', attendee);
    await bench.publish(revoke(bench));
    bench.audience.epochChanged();
    bench.audience.leave('ann', attendee);
    expect(failed).toHaveLength(2);
    expect([ann, other].map(({ wire }) => wire.of('unsubscribed').length)).toEqual([1, 1]);
});

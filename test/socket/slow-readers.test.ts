import { describe, expect, test } from 'vitest';
import { Ring } from '../../src/fanout/index.ts';
import { createBench } from './bench-of-sockets.ts';

const P = 'project:1';
const DATA = JSON.stringify('x'.repeat(100));

function span(from: number, to: number): number[] {
    return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

describe('a slow socket', () => {
    test.each([
        ['by the ring', 50_000, 0],
        ['by the log', 10, 40],
    ])(
        'that reads a little now and then is fed %s, in order, and holds no more than its limit',
        async (_, ringed, most) => {
            const bench = createBench({ replayLimit: 10_000 }, new Ring({ events: ringed, bytes: 1e9 }));
            const { wire, session } = await bench.join('ann', P);
            wire.stuck = true;
            let piled = 0;
            for (let n = 0; n < 300; n += 1) {
                await bench.publish(bench.log.append(P, { data: DATA }), bench.log.append(P, { data: DATA }));
                wire.read(300);
                session.drained();
                await bench.clock.settle();
                piled = Math.max(piled, wire.bufferedBytes());
            }
            // Limit 1000, and the frame that went over it.
            expect(piled).toBeLessThan(1300);
            expect(wire.seqs(P).length).toBeLessThan(600);
            wire.drain();
            session.drained();
            await bench.clock.settle();
            expect(wire.seqs(P)).toEqual(span(1, 600));
            expect(wire.of('reset')).toEqual([]);
            expect(bench.log.reads.length).toBeLessThanOrEqual(most);
        },
    );

    test('says when it becomes slow and when it is no more, also by its end', async () => {
        const bench = createBench();
        const [one, other] = [await bench.join('ann', P), await bench.join('bob', P)];
        for (const { wire } of [one, other]) wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 20));
        one.wire.drain();
        one.session.drained();
        await bench.clock.settle();
        other.session.gone(1006);
        const changes = bench.observed.flatMap((seen) => (seen.type === 'socket.slow' ? [seen] : []));
        expect(changes.map(({ connection, slow }) => [connection, slow])).toEqual([
            [one.session.id, true],
            [other.session.id, true],
            [one.session.id, false],
            [other.session.id, false],
        ]);
    });

    test('does not hold up another: each has its own drain', async () => {
        const bench = createBench();
        const [one, other] = [await bench.join('ann', P), await bench.join('bob', P)];
        for (const { wire } of [one, other]) wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 50));
        const before = other.wire.seqs(P).length;
        one.wire.drain();
        one.session.drained();
        await bench.clock.settle();
        expect(one.wire.seqs(P)).toHaveLength(50);
        expect(other.wire.seqs(P)).toHaveLength(before);
    });

    test('that catches up on one topic goes on with the others meanwhile', async () => {
        const bench = createBench({ replayLimit: 10_000, wsMaxBackpressureBytes: null });
        bench.log.appendMany(P, 5000);
        const { wire, session } = await bench.join('ann', 'project:2');
        const release = bench.log.hold();
        session.receive(JSON.stringify({ type: 'subscribe', topic: P, since: 0, epoch: 'k1' }));
        release();
        await bench.clock.settle();
        bench.log.hold();
        await bench.publish(bench.log.append('project:2'));
        expect(wire.seqs('project:2')).toEqual([1]);
    });

    test('is not taken for silent while it reads', async () => {
        const bench = createBench();
        const { wire, session } = await bench.join('ann', P);
        wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 20));
        for (let n = 0; n < 6; n += 1) {
            await bench.clock.pass(20_000);
            wire.read(10);
            session.drained();
            bench.sessions.sweep();
        }
        expect(wire.closed).toBeNull();
        await bench.clock.pass(60_000);
        expect(wire.closed?.code).toBe(4508);
    });

    test('a drain that took nothing away is no progress', async () => {
        const bench = createBench({ stallDeadlineMs: 1000 });
        const { wire, session } = await bench.join('ann', P);
        wire.stuck = true;
        await bench.publish(bench.log.appendMany(P, 20));
        for (let n = 0; n < 4 && wire.closed === null; n += 1) {
            await bench.clock.pass(300);
            session.drained();
        }
        expect(wire.closed?.code).toBe(4508);
    });

    test.each(['sent', 'buffered', 'dropped'] as const)('every result of a send is heeded: %s', async (result) => {
        const bench = createBench();
        const { wire, session } = await bench.join('ann', P);
        wire.stuck = result !== 'sent';
        wire.dropBytes = result === 'dropped' ? -1 : Number.POSITIVE_INFINITY;
        await bench.publish(bench.log.appendMany(P, 3));
        wire.dropBytes = Number.POSITIVE_INFINITY;
        wire.drain();
        session.drained();
        await bench.publish(bench.log.append(P));
        expect(wire.seqs(P)).toEqual([1, 2, 3, 4]);
    });
});

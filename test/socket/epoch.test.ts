import { expect, test } from 'vitest';
import { createBench } from './bench-of-sockets.ts';

test('who was answered in an epoch before the tail met it is told nothing of it, and misses nothing', async () => {
    const bench = createBench();
    bench.log.appendMany('project:1', 4);
    bench.log.newEpoch('k2');
    const bob = await bench.join('bob', 'project:1');
    // Never published: a tail that meets another epoch goes on from its head.
    bench.log.append('project:1');
    bench.audience.epochChanged();
    await bench.clock.settle();
    expect(bob.wire.of('subscribed')).toMatchObject([{ seq: 0, epoch: 'k2' }]);
    expect(bob.wire.of('reset')).toEqual([]);
    expect(bob.wire.seqs('project:1')).toEqual([1]);
});

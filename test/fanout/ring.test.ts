import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ring } from '../../src/fanout/index.ts';
import { deliveryOf, seqsOf } from './rows.ts';

const ROW_BYTES = deliveryOf('project:1', 1).bytes;

function ringOf(events: number, bytes = Number.POSITIVE_INFINITY): Ring {
    return new Ring({ events, bytes });
}

function fill(ring: Ring, topic: string, from: number, to: number, epoch = 'k1'): void {
    for (let seq = from; seq <= to; seq += 1) ring.add(deliveryOf(topic, seq, epoch));
}

const range = (after: number, upto: number, base = 'k1', topic = 'project:1') => ({ topic, base, after, upto });

describe('Ring', () => {
    test('gives a range from its start on, never beyond its end nor the limit', () => {
        const ring = ringOf(100);
        fill(ring, 'project:1', 11, 20);
        expect(seqsOf(ring.read(range(10, 13), 100))).toEqual([11, 12, 13]);
        expect(seqsOf(ring.read(range(14, 20), 2))).toEqual([15, 16]);
        expect(seqsOf(ring.read(range(18, 99), 100))).toEqual([19, 20]);
        expect(seqsOf(ring.read(range(15, 15), 100))).toEqual([]);
    });

    test.each([
        ['that begins before what it holds', range(9, 20)],
        ['that begins after it', range(20, 21)],
        ['of another epoch', range(12, 20, 'k2')],
        ['of another topic', range(12, 20, 'k1', 'project:2')],
    ])('has nothing of a range %s', (_, asked) => {
        const ring = ringOf(100);
        fill(ring, 'project:1', 11, 20);
        expect(ring.read(asked, 100)).toEqual([]);
    });

    test('drops the oldest row of all topics when it holds too many', () => {
        const ring = ringOf(4);
        fill(ring, 'project:1', 1, 2);
        fill(ring, 'project:2', 1, 3);
        fill(ring, 'project:1', 3, 3);
        expect(ring.length).toBe(4);
        expect(seqsOf(ring.read(range(2, 9), 100))).toEqual([3]);
        expect(ring.read(range(1, 9), 100)).toEqual([]);
        expect(seqsOf(ring.read(range(0, 9, 'k1', 'project:2'), 100))).toEqual([1, 2, 3]);
    });

    test('drops as many as it takes to stay within its bytes, be it all', () => {
        const ring = ringOf(1000, 10 * ROW_BYTES);
        fill(ring, 'project:1', 1, 50);
        expect([ring.length, ring.bytes]).toEqual([10, 10 * ROW_BYTES]);
        ring.add(deliveryOf('project:1', 51, 'k1', JSON.stringify('x'.repeat(100_000))));
        expect([ring.length, ring.bytes]).toEqual([0, 0]);
        fill(ring, 'project:1', 52, 53);
        expect(seqsOf(ring.read(range(51, 53), 100))).toEqual([52, 53]);
    });

    test('a row that does not follow on begins anew', () => {
        const ring = ringOf(3);
        fill(ring, 'project:1', 1, 2);
        fill(ring, 'project:1', 5, 6);
        expect(ring.read(range(1, 6), 100)).toEqual([]);
        expect(seqsOf(ring.read(range(4, 6), 100))).toEqual([5, 6]);
        expect(ring.length).toBe(3);
    });

    test('another epoch empties it, said or seen', () => {
        const ring = ringOf(100);
        fill(ring, 'project:1', 1, 3);
        fill(ring, 'project:1', 4, 5, 'k2');
        expect(ring.length).toBe(2);
        expect(ring.read(range(1, 5), 100)).toEqual([]);
        expect(seqsOf(ring.read(range(3, 5, 'k2'), 100))).toEqual([4, 5]);
        ring.clear();
        expect([ring.length, ring.bytes]).toEqual([0, 0]);
        expect(ring.awaits(range(5, 6, 'k2'))).toBe(false);
    });

    test('knows whether a range begins with the row that comes next', () => {
        const ring = ringOf(100);
        fill(ring, 'project:1', 1, 3);
        expect([2, 3, 4].map((after) => ring.awaits(range(after, 9)))).toEqual([false, true, false]);
        expect(ring.awaits(range(3, 9, 'k2'))).toBe(false);
    });

    test('holds the latest rows of the stream, whatever their topics, and no more than it may', () => {
        const topics = ['project:1', 'project:2', 'user:7'];
        const steps = fc.array(fc.record({ topic: fc.constantFrom(...topics), gap: fc.constantFrom(0, 0, 0, 0, 2) }), {
            maxLength: 300,
        });
        fc.assert(
            fc.property(steps, fc.integer({ min: 1, max: 200 }), (rows, most) => {
                const ring = ringOf(most);
                const heads = new Map(topics.map((topic) => [topic, 0]));
                const all = rows.map(({ topic, gap }) => {
                    const seq = (heads.get(topic) ?? 0) + 1 + gap;
                    heads.set(topic, seq);
                    ring.add(deliveryOf(topic, seq));
                    return { topic, seq };
                });
                const latest = all.slice(-most);
                expect(ring.length).toBe(latest.length);
                for (const topic of topics) {
                    const seqs = latest.filter((row) => row.topic === topic).map(({ seq }) => seq);
                    const start = seqs.findLastIndex((seq, place) => place === 0 || seqs[place - 1] !== seq - 1);
                    const run = start < 0 ? [] : seqs.slice(start);
                    const first = run[0] ?? 1;
                    expect(seqsOf(ring.read(range(first - 1, 1e6, 'k1', topic), 1e6))).toEqual(run);
                    expect(ring.read(range(first - 2, 1e6, 'k1', topic), 1e6)).toEqual([]);
                }
            }),
        );
    });
});

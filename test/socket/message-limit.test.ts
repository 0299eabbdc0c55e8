import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Burst, MessageLimit } from '../../src/socket/message-limit.ts';
import { TokenBucket } from '../../src/socket/token-bucket.ts';

const RATE = { count: 20, perMs: 10_000 };

describe('a bucket', () => {
    test('gives as many as it holds at once, then one each time its share of the period has passed', () => {
        const bucket = new TokenBucket(RATE, 0);
        for (let n = 0; n < 20; n += 1) expect(bucket.take(0)).toBe(0);
        expect(bucket.take(0)).toBe(500);
        expect(bucket.take(499)).toBe(1);
        expect(bucket.take(500)).toBe(0);
        expect(bucket.take(500)).toBe(500);
    });

    test('holds no more than its count, however long nobody came', () => {
        const bucket = new TokenBucket(RATE, 0);
        const taken = Array.from({ length: 50 }, () => bucket.take(3_600_000)).filter((waitMs) => waitMs === 0);
        expect(taken).toHaveLength(20);
    });

    test('is not filled by a clock that goes back', () => {
        const bucket = new TokenBucket({ count: 1, perMs: 1000 }, 5000);
        expect(bucket.take(5000)).toBe(0);
        expect(bucket.take(0)).toBe(1000);
        expect(bucket.take(5999)).toBe(1);
        expect(bucket.take(6000)).toBe(0);
    });

    test('never gives more than its count and what has filled meanwhile, and says exactly when it gives again', () => {
        fc.assert(
            fc.property(
                fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.integer({ min: 1, max: 20_000 }) }),
                fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 200 }),
                (rate, steps) => {
                    const bucket = new TokenBucket(rate, 0);
                    let nowMs = 0;
                    let given = 0;
                    for (const step of steps) {
                        nowMs += step;
                        const waitMs = bucket.take(nowMs);
                        if (waitMs === 0) given += 1;
                        else expect(waitMs).toBeLessThanOrEqual(Math.ceil(rate.perMs / rate.count));
                        expect(given).toBeLessThanOrEqual(rate.count + (nowMs * rate.count) / rate.perMs + 1e-6);
                    }
                },
            ),
        );
    });
});

describe('messages of one socket', () => {
    function limit() {
        const bursts: Burst[] = [];
        const judge = new MessageLimit(RATE, 0, (burst) => bursts.push(burst));
        const says = (nowMs: number, times: number) => Array.from({ length: times }, () => judge.judge(nowMs).type);
        return { bursts, judge, says };
    }

    test('pass up to the rate, are refused above it, and close the socket that does not heed it', () => {
        const { says, bursts, judge } = limit();
        expect(new Set(says(0, 20))).toEqual(new Set(['pass']));
        expect(judge.judge(0)).toEqual({ type: 'refuse', retryAfterMs: 500 });
        expect(new Set(says(1, 19))).toEqual(new Set(['refuse']));
        expect(says(2, 1)).toEqual(['close']);
        expect(bursts).toEqual([]);
        judge.end();
        expect(bursts).toEqual([{ refused: 21, lastedMs: 2 }]);
        judge.end();
        expect(bursts).toHaveLength(1);
    });

    test('of somebody who waits as long as told always pass', () => {
        const { judge, bursts } = limit();
        let nowMs = 0;
        for (let n = 0; n < 500; n += 1) {
            const verdict = judge.judge(nowMs);
            if (verdict.type !== 'pass') {
                nowMs += verdict.retryAfterMs;
                expect(judge.judge(nowMs).type).toBe('pass');
            }
            // A refusal every half second would be a burst without an end; nobody is closed who is told once at a time.
            if (n % 15 === 14) nowMs += RATE.perMs;
        }
        expect(bursts.every(({ refused }) => refused <= RATE.count)).toBe(true);
    });

    test('that were refused are told of once, when a period has passed without one', () => {
        const { says, bursts } = limit();
        says(0, 25);
        says(5000, 1);
        says(9999, 1);
        expect(bursts).toEqual([]);
        says(10_001, 1);
        expect(bursts).toEqual([{ refused: 5, lastedMs: 0 }]);
    });
});

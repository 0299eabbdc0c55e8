/** How many requests pass, with clock and counters in hand; and on several servers that share one table. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RequestLimit } from '../../src/rest/index.ts';
import { createRequestCounter } from '../../src/store/request-counter.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

const RATE = { count: 300, perMs: 60_000 };

/** A counter all servers of a test share. */
function sharedCounter(perMs: number, now: { ms: number }) {
    const windows = new Map<string, { counted: number; endsMs: number }>();
    const asked: number[] = [];
    return {
        asked,
        async count(key: string, requests: number) {
            asked.push(requests);
            let window = windows.get(key);
            if (window === undefined || window.endsMs <= now.ms) window = { counted: 0, endsMs: now.ms + perMs };
            window.counted += requests;
            windows.set(key, window);
            return { counted: window.counted, resetMs: window.endsMs - now.ms };
        },
    };
}

function servers(n: number, rate = RATE) {
    const now = { ms: 1000 };
    const counter = sharedCounter(rate.perMs, now);
    const limits = Array.from(
        { length: n },
        () => new RequestLimit({ rate, count: counter.count, nowMs: () => now.ms }),
    );
    return { now, counter, limits };
}

async function allowed(limits: readonly RequestLimit[], requests: number, key = 'user:ada'): Promise<number> {
    let count = 0;
    for (let n = 0; n < requests; n += 1) {
        const allowance = await limits[n % limits.length]?.take(key);
        if (allowance?.allowed) count += 1;
    }
    return count;
}

describe('a limit', () => {
    test('lets through exactly its count on one server, tells what is left, and begins anew after its time', async () => {
        const { limits, now } = servers(1);
        const [limit] = limits;
        expect(await limit?.take('user:ada')).toEqual({
            allowed: true,
            limit: 300,
            remaining: 299,
            resetMs: 60_000,
            perMs: 60_000,
        });
        now.ms += 15_000;
        expect(await allowed(limits, 500)).toBe(299);
        expect(await limit?.take('user:ada')).toMatchObject({ allowed: false, remaining: 0, resetMs: 45_000 });
        expect(await limit?.take('user:bob')).toMatchObject({ allowed: true, remaining: 299 });
        now.ms += 45_000;
        expect(await allowed(limits, 500)).toBe(300);
    });

    test.each([2, 3, 5])('lets somebody who alternates %i servers through no more than 1.1 times', async (n) => {
        const { limits } = servers(n);
        const passed = await allowed(limits, 2000);
        expect(passed).toBeGreaterThanOrEqual(300);
        expect(passed).toBeLessThanOrEqual(330);
    });

    test('asks the database once in six requests, and not at all for what is refused', async () => {
        const { limits, counter } = servers(1);
        await allowed(limits, 300);
        expect(counter.asked.length).toBeLessThanOrEqual(51);
        const asked = counter.asked.length;
        await allowed(limits, 10_000);
        expect(counter.asked).toHaveLength(asked);
    });

    test('of a few is exact on every server', async () => {
        const { limits } = servers(4, { count: 5, perMs: 1000 });
        expect(await allowed(limits, 100)).toBe(5);
    });

    test('counts each request once, however many come at once', async () => {
        const { limits, counter } = servers(1);
        const passed = (await Promise.all(Array.from({ length: 1000 }, () => limits[0]?.take('user:ada')))).filter(
            (allowance) => allowance?.allowed,
        );
        expect(passed).toHaveLength(300);
        expect(counter.asked.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(300);
    });

    test('counts alone while the database is away or silent, and together again when it is back', async () => {
        const now = { ms: 0 };
        const counter = sharedCounter(RATE.perMs, now);
        let mood: 'away' | 'silent' | 'well' = 'away';
        const limit = new RequestLimit({
            rate: RATE,
            nowMs: () => now.ms,
            patienceMs: 5,
            count: (key, requests) => {
                if (mood === 'away') return Promise.reject(new Error('away'));
                return mood === 'silent' ? new Promise(() => undefined) : counter.count(key, requests);
            },
        });
        expect(await allowed([limit], 400)).toBe(300);
        now.ms += 60_000;
        mood = 'silent';
        expect(await allowed([limit], 12)).toBe(12);
        mood = 'well';
        now.ms += 60_000;
        expect(await allowed([limit], 400)).toBe(300);
    });

    test('forgets the oldest keys rather than remember without end', async () => {
        const { counter, now } = servers(0);
        const limit = new RequestLimit({
            rate: { count: 2, perMs: 1000 },
            count: counter.count,
            nowMs: () => now.ms,
            mostKeys: 10,
        });
        for (let n = 0; n < 1000; n += 1) expect(await limit.take(`address:${n}`)).toMatchObject({ allowed: true });
        // The database has not forgotten.
        await limit.take('address:0');
        expect(await limit.take('address:0')).toMatchObject({ allowed: false });
    });

    test('never lets through more than it and a step of each server', async () => {
        await fc.assert(
            fc.asyncProperty(
                fc.integer({ min: 1, max: 400 }),
                fc.array(
                    fc.record({ server: fc.integer({ min: 0, max: 2 }), pause: fc.integer({ min: 0, max: 50 }) }),
                    {
                        maxLength: 600,
                    },
                ),
                async (count, requests) => {
                    const { limits, now } = servers(3, { count, perMs: 1_000_000 });
                    let passed = 0;
                    for (const { server, pause } of requests) {
                        now.ms += pause;
                        if ((await limits[server]?.take('user:ada'))?.allowed) passed += 1;
                    }
                    const slack = 3 * (Math.max(1, Math.floor(count * 0.02)) - 1);
                    expect(passed).toBeLessThanOrEqual(count + slack);
                    expect(passed).toBeGreaterThanOrEqual(Math.min(count, requests.length));
                },
            ),
            { numRuns: 50 },
        );
    });
});

describe('counted in the database', () => {
    let database: TestDatabase;
    beforeAll(async () => {
        database = await openDatabase();
    });
    afterAll(() => database.close());

    test('two servers share a window, which ends', async () => {
        const rate = { count: 20, perMs: 1500 };
        const counters = [0, 1].map(() => createRequestCounter(database.url, rate, () => undefined));
        const limits = counters.map(
            ({ count }) => new RequestLimit({ rate, count, nowMs: () => performance.now(), patienceMs: 5000 }),
        );
        expect(await allowed(limits, 60)).toBe(20);
        expect(await limits[0]?.take('user:bob')).toMatchObject({ allowed: true });
        await expect.poll(async () => (await limits[0]?.take('user:ada'))?.allowed, { timeout: 10_000 }).toBe(true);
        expect(await allowed(limits, 60)).toBe(19);
        for (const counter of counters) await counter.stop();
    });
});

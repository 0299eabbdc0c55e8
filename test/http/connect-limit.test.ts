import { describe, expect, test } from 'vitest';
import { isLoopback } from '../../src/config.ts';
import { ConnectLimit } from '../../src/http/connect-limit.ts';

const RATE = { count: 3, perMs: 3000 };

describe('sockets of one network', () => {
    test('are opened as often as the rate says, and whoever comes too soon is told when to come again', () => {
        const limit = new ConnectLimit(RATE, isLoopback);
        expect([1, 2, 3].map(() => limit.take('10.0.0.1', 0))).toEqual([0, 0, 0]);
        expect(limit.take('10.0.0.1', 0)).toBe(1000);
        expect(limit.take('10.0.0.1', 999)).toBe(1);
        expect(limit.take('10.0.0.1', 1000)).toBe(0);
    });

    test('are counted apart from those of others, and together in a /64', () => {
        const limit = new ConnectLimit({ count: 1, perMs: 1000 }, isLoopback);
        expect(['10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8:0:1::1'].map((a) => limit.take(a, 0))).toEqual([
            0, 0, 0, 0,
        ]);
        expect(['10.0.0.1', '2001:db8::2'].map((address) => limit.take(address, 0))).toEqual([1000, 1000]);
    });

    test('of this machine are not counted, nor any with the rate off', () => {
        const limit = new ConnectLimit({ count: 1, perMs: 1000 }, isLoopback);
        expect(['127.0.0.1', '127.0.0.1', '::1', '::1'].map((address) => limit.take(address, 0))).toEqual([0, 0, 0, 0]);
        const off = new ConnectLimit(null, isLoopback);
        expect([off.take('10.0.0.1', 0), off.take('10.0.0.1', 0)]).toEqual([0, 0]);
    });

    test('are forgotten when there are too many networks, those heard of last at last', () => {
        const limit = new ConnectLimit({ count: 1, perMs: 1000 }, isLoopback, 2);
        for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.3']) limit.take(address, 0);
        expect(limit.take('10.0.0.1', 0)).toBe(1000);
        expect(limit.take('10.0.0.2', 0)).toBe(0);
    });
});

test('a socket that had to be closed counts as a tenth of all, on credit; no more is owed than all', () => {
    const limit = new ConnectLimit({ count: 20, perMs: 20_000 }, isLoopback);
    for (let n = 0; n < 9; n += 1) limit.punish('10.0.0.1', 0);
    expect([limit.take('10.0.0.1', 0), limit.take('10.0.0.1', 0), limit.take('10.0.0.1', 0)]).toEqual([0, 0, 1000]);
    for (let n = 0; n < 50; n += 1) limit.punish('10.0.0.1', 0);
    expect(limit.take('10.0.0.1', 0)).toBe(21_000);
    expect(limit.take('10.0.0.1', 20_999)).toBe(1);
    expect(limit.take('10.0.0.1', 21_000)).toBe(0);
    limit.punish('127.0.0.1', 0);
    expect(limit.take('127.0.0.1', 0)).toBe(0);
});

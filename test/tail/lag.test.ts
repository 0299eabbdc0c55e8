import { describe, expect, test } from 'vitest';
import { LagMeter } from '../../src/tail/lag.ts';

describe('the lag of a tail', () => {
    test('is nothing where nothing was heard of that it has not reached', () => {
        const lag = new LagMeter();
        expect(lag.at(5)).toEqual({ events: 0, waitedMs: 0 });
        lag.reached(10);
        lag.heard(10, 100);
        expect(lag.at(200)).toEqual({ events: 0, waitedMs: 0 });
    });

    test('counts what it has not reached, and how long the oldest of that was known of', () => {
        const lag = new LagMeter();
        lag.reached(10);
        lag.heard(12, 100);
        lag.heard(12, 150);
        lag.heard(20, 200);
        expect(lag.at(300)).toEqual({ events: 10, waitedMs: 200 });
        lag.reached(12);
        expect(lag.at(300)).toEqual({ events: 8, waitedMs: 100 });
        lag.reached(21);
        expect(lag.at(300)).toEqual({ events: 0, waitedMs: 0 });
    });

    test('stays bounded however long it hears of more', () => {
        const lag = new LagMeter();
        for (let n = 1; n <= 5000; n += 1) lag.heard(n, n);
        expect(lag.at(6000)).toEqual({ events: 5000, waitedMs: 5999 });
        lag.reached(4999);
        expect(lag.at(6000).events).toBe(1);
    });

    test('starts anew with another epoch', () => {
        const lag = new LagMeter();
        lag.heard(7, 1);
        lag.forget();
        expect(lag.at(9)).toEqual({ events: 0, waitedMs: 0 });
    });
});

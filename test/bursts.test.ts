import { expect, test } from 'vitest';
import { Bursts } from '../src/bursts.ts';

function createRegister() {
    const timers: { atMs: number; run: () => void }[] = [];
    const told: unknown[] = [];
    let nowMs = 0;
    const bursts = new Bursts<string>({
        spanMs: 1000,
        after: (delayMs, run) => void timers.push({ atMs: nowMs + delayMs, run }),
        tell: (latest, gathered) => void told.push([latest, gathered]),
    });
    function pass(ms: number): void {
        nowMs += ms;
        for (const timer of timers.splice(0)) {
            if (timer.atMs <= nowMs) timer.run();
            else timers.push(timer);
        }
    }
    return { bursts, told, pass, timers };
}

test('the first is told of at once, those that follow together with their number', () => {
    const { bursts, told, pass } = createRegister();
    expect(bursts.note('a', 'one')).toBe(true);
    for (const thing of ['two', 'three', 'four']) expect(bursts.note('a', thing)).toBe(false);
    expect(bursts.note('b', 'other')).toBe(true);
    pass(999);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual([['four', 3]]);
});

test('one that goes on is told of once a span; after a quiet span the next is a first one', () => {
    const { bursts, told, pass, timers } = createRegister();
    for (let second = 0; second < 3; second += 1) {
        for (let n = 0; n < 100; n += 1) bursts.note('a', `${second}`);
        pass(1000);
    }
    expect(told).toEqual([
        ['0', 99],
        ['1', 100],
        ['2', 100],
    ]);
    pass(1000);
    expect(timers).toEqual([]);
    expect(bursts.note('a', 'again')).toBe(true);
});

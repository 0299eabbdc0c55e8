import { expect, test } from 'vitest';
import { createTurnstile } from '../../src/socket/turnstile.ts';

test('the first goes at once, the others one a turn in the order they came, and then the next at once again', async () => {
    const ends: (() => void)[] = [];
    const through: string[] = [];
    const turnstile = createTurnstile(1, (run) => void ends.push(run));
    const come = (name: string) => void turnstile().then(() => through.push(name));
    async function endTurn(): Promise<void> {
        ends.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
    }
    for (const name of ['a', 'b', 'c']) come(name);
    await new Promise((resolve) => setImmediate(resolve));
    expect(through).toEqual(['a']);
    await endTurn();
    expect(through).toEqual(['a', 'b']);
    come('d');
    await endTurn();
    await endTurn();
    expect(through).toEqual(['a', 'b', 'c', 'd']);
    await endTurn();
    expect(ends).toEqual([]);
    come('e');
    await new Promise((resolve) => setImmediate(resolve));
    expect(through.at(-1)).toBe('e');
});

test('several go in a turn where several may', async () => {
    const ends: (() => void)[] = [];
    let through = 0;
    const turnstile = createTurnstile(3, (run) => void ends.push(run));
    for (let n = 0; n < 8; n += 1) {
        void turnstile().then(() => {
            through += 1;
        });
    }
    const counts: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        counts.push(through);
        ends.shift()?.();
    }
    expect([counts, ends]).toEqual([[3, 6, 8, 8], []]);
});

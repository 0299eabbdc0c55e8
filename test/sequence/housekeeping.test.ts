/** The pace of the chores, with chores that only say they were done. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Observation } from '../../src/observe.ts';
import type { Chore } from '../../src/sequence/chores.ts';
import { createHousekeeping, type Housekeeping } from '../../src/sequence/housekeeping.ts';
import type { Database } from '../../src/store/connect.ts';

let seen: Observation[];
let done: string[];
let housekeeping: Housekeeping;

beforeEach(() => {
    vi.useFakeTimers();
    seen = [];
    done = [];
});
afterEach(async () => {
    await housekeeping.stop();
    vi.useRealTimers();
});

/** A chore that is done at once, and answers what `work` does. */
function chore(name: string, everyMs: number, more: Partial<Chore> = {}, work: () => number = () => 0): Chore {
    return {
        name,
        everyMs,
        ...more,
        work: async () => {
            done.push(name);
            return work();
        },
    };
}

async function keepHouse(...chores: Chore[]): Promise<void> {
    const sql = (() => Promise.reject(new Error('expected no statement'))) as unknown as Database;
    housekeeping = createHousekeeping({ sql, observe: (observation) => seen.push(observation), chores });
    await housekeeping.start();
    await vi.advanceTimersByTimeAsync(0);
}

/** What was done, in order, since the last call. */
async function passing(passMs: number): Promise<string[]> {
    await vi.advanceTimersByTimeAsync(passMs);
    return done.splice(0);
}

describe('housekeeping', () => {
    test('does every chore at the start and then at its own pace', async () => {
        await keepHouse(chore('often', 1000), chore('seldom', 3000));
        expect(await passing(0)).toEqual(['often', 'seldom']);
        expect(await passing(2999)).toEqual(['often', 'often']);
        expect(await passing(1)).toEqual(['often', 'seldom']);
    });

    test('leaves out what waits for numbers until there are some', async () => {
        await keepHouse(chore('heads', 1000, { onlyIfNumbered: true }));
        expect(await passing(5000)).toEqual(['heads']);
        housekeeping.numbered();
        housekeeping.numbered();
        expect(await passing(999)).toEqual([]);
        expect(await passing(5000)).toEqual(['heads']);
    });

    test('goes on at once as long as a whole piece was done', async () => {
        const left = [5, 5, 4, 1];
        await keepHouse(chore('purge', 1000, { piece: 5 }, () => left.shift() ?? 0));
        expect(await passing(999)).toEqual(['purge', 'purge', 'purge']);
        expect(await passing(1)).toEqual(['purge']);
    });

    test('observes what fails, goes on with the others, and tries again at the next time', async () => {
        const error = new Error('no');
        const poison = () => {
            throw error;
        };
        await keepHouse(chore('poison', 1000, { onlyIfNumbered: true }, poison), chore('other', 1000));
        expect(await passing(1000)).toEqual(['poison', 'other', 'poison', 'other']);
        const failed = { type: 'service.failed', service: 'housekeeping: poison', error };
        expect(seen).toEqual([failed, failed]);
    });

    test('does not begin again what is still at work, and waits for it when it is stopped', async () => {
        let finish: (rows: number) => void = () => undefined;
        const slow: Chore = {
            name: 'slow',
            everyMs: 1000,
            piece: 1,
            work: () => {
                done.push('slow');
                return new Promise((resolve) => {
                    finish = resolve;
                });
            },
        };
        await keepHouse(slow, chore('other', 1000));
        expect(await passing(2000)).toEqual(['slow', 'other', 'other', 'other']);
        let ended = false;
        const stopped = housekeeping.stop().then(() => {
            ended = true;
        });
        expect(await passing(5000)).toEqual([]);
        expect(ended).toBe(false);
        finish(1);
        await stopped;
        expect(await passing(5000)).toEqual([]);
    });
});

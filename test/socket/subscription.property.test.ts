/** Random orders of everything that can happen to one subscription, against what its reader must have seen. */

import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { AccessChange, Delivery } from '../../src/fanout/index.ts';
import type { Outlet, Wanted } from '../../src/socket/outlet.ts';
import { Subscription } from '../../src/socket/subscription.ts';
import type { Pin } from '../../src/store/topic-log.ts';
import type { Make } from './one-reader.ts';
import { complaintsIn, play, type Story, stories } from './steps.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 2000);
vi.setConfig({ testTimeout: 60_000 + RUNS * 10 });

const RARE = ['reset', 'floor', 'epoch', 'forget'] as const;
const ACCESS = ['revoke', 'grant', 'flicker', 'delete'] as const;

function expectNoComplaint(story: Story): void {
    expect(complaintsIn(play(story))).toEqual([]);
}

test('a reader sees every event once and in order, or is told to reload, whatever happens when', () => {
    const property = fc.property(stories(RARE, []), expectNoComplaint);
    fc.assert(property, { numRuns: RUNS });
});

test('nothing that stands behind a lost right comes through, nothing before it or after its return is missing', () => {
    const property = fc.property(stories([], ACCESS), expectNoComplaint);
    fc.assert(property, { numRuns: RUNS });
});

test('all of it together', () => {
    const property = fc.property(stories(RARE, ACCESS), expectNoComplaint);
    fc.assert(property, { numRuns: RUNS });
});

test('a right that is taken and given again at once costs nothing: no end, no reset, no event', () => {
    const property = fc.property(stories([], ['flicker']), ({ start, ...story }) => {
        const world = play({ ...story, start: { ...start, replayLimit: null } });
        const kinds = new Set(world.seen.map(({ kind }) => kind));
        expect([kinds.has('unsubscribed'), kinds.has('refused'), kinds.has('reset')]).toEqual([false, false, false]);
        expect(complaintsIn(world)).toEqual([]);
    });
    fc.assert(property, { numRuns: RUNS });
});

/** Each breaks one rule of revocation. */
const MUTANTS: Readonly<Record<string, Make>> = {
    'ignores changes of access': class extends Subscription {
        override accessChanged(): void {}
    },
    'takes a pin that is older than the change': class extends Subscription {
        override holds(pin: Pin, ticket: number): boolean {
            return super.holds({ ...pin, gseq: Number.MAX_SAFE_INTEGER }, ticket);
        }
    },
    'obeys only while it is live': class extends Subscription {
        override accessChanged(change: AccessChange): void {
            if (this.state === 'live') super.accessChanged(change);
        }
    },
    'hands out the page under way while it waits for the check': class extends Subscription {
        readonly #outlet: Outlet;
        constructor(topic: string, outlet: Outlet, replayLimit: number | null) {
            super(topic, outlet, replayLimit);
            this.#outlet = outlet;
        }
        override fed(wanted: Wanted, page: readonly Delivery[]): boolean {
            if (this.state !== 'pending') return super.fed(wanted, page);
            for (const delivery of page) this.#outlet.push(delivery, this);
            return true;
        }
    },
    'delivers while it waits for the check': class extends Subscription {
        readonly #outlet: Outlet;
        #wasLive = false;
        constructor(topic: string, outlet: Outlet, replayLimit: number | null) {
            super(topic, outlet, replayLimit);
            this.#outlet = outlet;
        }
        override deliver(delivery: Delivery): void {
            if (this.state === 'pending' && this.#wasLive) this.#outlet.push(delivery, this);
            else super.deliver(delivery);
            this.#wasLive ||= this.state === 'live';
        }
    },
    'starts again at the head when the right is confirmed': class extends Subscription {
        override repinned(pin: Pin): void {
            this.pinned(pin, null);
            this.advance();
        }
    },
};

describe('a subscription that breaks a rule is found out: it', () => {
    test.each(Object.entries(MUTANTS))('%s', (_, make) => {
        const property = fc.property(stories([], ACCESS), (story) => complaintsIn(play(story, make)).length === 0);
        expect(fc.check(property, { numRuns: RUNS, endOnFailure: true }).failed).toBe(true);
    });
});

/** Random orders of everything that can happen to one subscription, against what its reader must have seen. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Batch, createHub, toDelivery } from '../../src/fanout/index.ts';
import type { Since } from '../../src/protocol/index.ts';
import { type Outgoing, type Outlet, Subscription, type Wanted } from '../../src/socket/subscription.ts';
import type { Pin } from '../../src/store/topic-log.ts';
import { MemoryLog } from './memory-log.ts';

const TOPIC = 'project:1';
const PAGE = 7;
const ASKED = { userId: 'ann', topic: TOPIC, since: null };

type Step =
    | { readonly do: 'append'; readonly count: number }
    | { readonly do: 'tail'; readonly count: number }
    | { readonly do: 'flush'; readonly takes: number }
    | {
          readonly do:
              | 'askPin'
              | 'givePin'
              | 'askRead'
              | 'giveRead'
              | 'drain'
              | 'reset'
              | 'floor'
              | 'epoch'
              | 'forget'
              | 'recheck';
      };

/** One reader, its socket, the log and a tail that lags behind it; asynchrony is two steps: a snapshot, then its answer. */
class World implements Outlet {
    readonly log = new MemoryLog();
    readonly hub = createHub();
    readonly sub: Subscription;
    readonly since: Since;
    /** What the reader has been told, in its words: `subscribed`, `reset`, `event`. */
    readonly seen: Seen[] = [];
    takes = true;
    #outbox: Outgoing[] = [];
    readonly #tail: (Batch | { readonly newEpoch: string })[] = [];
    #pinWanted = true;
    #readWanted = false;
    #pin: { readonly answer: Pin; readonly ticket: number } | null = null;
    #read: { readonly wanted: Wanted; readonly rows: Batch } | null = null;
    #joined = false;
    #epochs = 1;

    constructor(before: number, back: number | null, replayLimit: number | null) {
        this.log.appendMany(TOPIC, before);
        this.since = back === null ? null : { seq: Math.max(0, before - back), epoch: 'k1' };
        this.sub = new Subscription(TOPIC, this, replayLimit);
        this.hub.join(TOPIC, this.sub);
    }

    accepting(): boolean {
        return this.takes;
    }
    push(item: Outgoing): void {
        this.#outbox.push(item);
    }
    feed(): void {
        this.#readWanted = true;
    }
    repin(): void {
        this.#pinWanted = true;
    }
    failed(error: unknown): void {
        throw error;
    }

    step(step: Step): void {
        const { log } = this;
        switch (step.do) {
            case 'append':
                this.#tail.push(log.appendMany(TOPIC, step.count));
                break;
            case 'reset':
                this.#tail.push(log.reset(TOPIC));
                break;
            case 'floor':
                this.#tail.push(log.floor('project'));
                break;
            case 'epoch':
                this.#epochs += 1;
                log.newEpoch(`k${this.#epochs}`);
                this.#tail.push({ newEpoch: log.epoch });
                break;
            case 'forget':
                log.forget(TOPIC, log.head(TOPIC) - 3);
                break;
            case 'tail':
                this.#publish(step.count);
                break;
            case 'askPin':
                this.#askPin();
                break;
            case 'givePin':
                this.#givePin();
                break;
            case 'askRead':
                this.#askRead();
                break;
            case 'giveRead':
                this.#giveRead();
                break;
            case 'flush':
                this.#flush(step.takes);
                break;
            case 'drain':
                this.#drain();
                break;
            case 'recheck':
                this.#flush(1000);
                break;
        }
    }

    join(): void {
        this.#askPin();
        this.#givePin();
    }

    /** Lets everything come to rest. */
    finish(): void {
        for (let round = 0; round < 8 || (this.sub.state !== 'live' && round < 1000); round += 1) {
            this.#publish(1000);
            this.#askPin();
            this.#givePin();
            this.#drain();
            this.#askRead();
            this.#giveRead();
            this.#flush(1000);
        }
    }

    #publish(count: number): void {
        for (const piece of this.#tail.splice(0, count)) {
            if ('newEpoch' in piece) this.sub.epochChanged();
            else this.hub.publish(piece);
        }
    }

    #askPin(): void {
        if (!this.#pinWanted || this.#pin !== null) return;
        const since = this.#joined ? null : (this.since?.seq ?? null);
        const [answer] = this.log.pinNow([{ userId: 'ann', topic: TOPIC, since }]);
        if (answer !== undefined) this.#pin = { answer, ticket: this.sub.ticket };
    }

    #givePin(): void {
        if (this.#pin === null) return;
        const { answer, ticket } = this.#pin;
        this.#pin = null;
        if (ticket !== this.sub.ticket) return;
        this.#pinWanted = false;
        if (this.#joined) {
            this.sub.repinned(answer);
            return;
        }
        this.#joined = true;
        const { seq, epoch, outcome } = this.sub.pinned(answer, this.since);
        this.seen.push({ kind: 'joined', seq: outcome === 'resumed' && this.since ? this.since.seq : seq, epoch });
        this.sub.advance();
    }

    #askRead(): void {
        if (!this.#readWanted || this.#read !== null) return;
        this.#readWanted = false;
        const wanted = this.sub.wanted();
        if (wanted === null) return;
        const events = this.log.readNow(TOPIC, wanted.after, wanted.upto, PAGE);
        this.#read = { wanted, rows: { events, epoch: wanted.epoch.split('.')[0] ?? '', gseq: 0 } };
    }

    #giveRead(): void {
        if (this.#read === null) return;
        const { wanted, rows } = this.#read;
        this.#read = null;
        const page = rows.events.map((row) => toDelivery(row, rows.epoch));
        if (!this.sub.fed(wanted, page) && this.sub.wanted() !== null) this.#readWanted = true;
    }

    #flush(takes: number): void {
        if (!this.takes) return;
        const items = this.#outbox;
        this.#outbox = [];
        for (const item of items.slice(0, takes)) this.#receive(item);
        if (items.length <= takes) return;
        this.takes = false;
        for (const item of items.slice(takes)) this.sub.unsent(item);
    }

    #receive(item: Outgoing): void {
        if ('kind' in item) {
            const { seq, epoch } = JSON.parse(item.frame) as { seq: number; epoch: string };
            this.seen.push({ kind: 'reset', seq, epoch });
        } else this.seen.push({ kind: 'event', seq: item.seq, epoch: item.epoch });
    }

    #drain(): void {
        if (this.takes) return;
        this.takes = true;
        this.sub.advance();
    }
}

type Seen = { readonly kind: 'joined' | 'reset' | 'event'; readonly seq: number; readonly epoch: string };

/** The seq a reader waits for in the end, and the first thing it was told that did not follow from what it knew. */
function follow(seen: readonly Seen[]): { expected: number | null; hole: string | null } {
    let expected: number | null = null;
    for (const { kind, seq } of seen) {
        if (kind === 'event' && seq !== expected)
            return { expected, hole: `${seq} after ${expected}: ${JSON.stringify(seen)}` };
        expected = seq + 1;
    }
    return { expected, hole: null };
}

const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('tail' as const), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('flush' as const), takes: fc.integer({ min: 0, max: 12 }) }) },
    {
        weight: 10,
        arbitrary: fc.record({
            do: fc.constantFrom('askPin' as const, 'givePin', 'askRead', 'giveRead', 'drain', 'recheck'),
        }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'append' as const, count: 300 }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reset' as const, 'floor', 'epoch', 'forget') }) },
);

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 3000);

test('a reader sees every event once and in order, or is told to reload, whatever happens when', () => {
    fc.assert(
        fc.property(
            fc.integer({ min: 0, max: 60 }),
            fc.option(fc.integer({ min: -2, max: 60 })),
            fc.constantFrom(null, 40),
            fc.boolean(),
            fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
            (before, back, replayLimit, joined, steps) => {
                const world = new World(before, back, replayLimit);
                if (joined) world.join();
                for (const one of steps) world.step(one);
                world.finish();
                const { expected, hole } = follow(world.seen);
                expect(hole).toBeNull();
                expect(world.sub.state).toBe('live');
                expect(expected, 'ends at the head').toBe(world.log.head(TOPIC) + 1);
                const last = world.seen.findLast(({ kind }) => kind !== 'event');
                expect(last?.epoch, 'ends in the current epoch').toBe(world.log.pinNow([ASKED])[0]?.epoch);
            },
        ),
        { numRuns: RUNS },
    );
});

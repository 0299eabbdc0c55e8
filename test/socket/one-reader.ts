/** One subscription in a world where everything takes time: what happens to it comes as steps, in any order a test likes. */

import { type Batch, createHub, type Delivery, toDelivery } from '../../src/fanout/index.ts';
import type { Since } from '../../src/protocol/index.ts';
import type { Outgoing, Outlet, Wanted } from '../../src/socket/outlet.ts';
import { Subscription } from '../../src/socket/subscription.ts';
import type { Pin } from '../../src/store/topic-log.ts';
import { MemoryLog } from './memory-log.ts';

export const TOPIC = 'project:1';
export const ASKED = { userId: 'ann', topic: TOPIC, since: null };
const PAGE = 7;

/** What can happen; `revoke` and `grant` change the right and put its row into the stream, `flicker` does both at once. */
export type Step =
    | { readonly do: 'append' | 'tail'; readonly count: number }
    | { readonly do: 'flush'; readonly takes: number }
    | { readonly do: Asynchronous | Rare | Access };

/** Asynchrony is two steps: a snapshot, then its answer. */
export type Asynchronous = 'askPin' | 'givePin' | 'losePin' | 'askRead' | 'giveRead' | 'drain' | 'recheck';
export type Rare = 'reset' | 'floor' | 'epoch' | 'forget';
export type Access = 'revoke' | 'grant' | 'flicker' | 'delete';

/** What the reader was told, in its words; `gseq` of an event, 0 of the rest. */
export type Seen = {
    readonly kind: 'joined' | 'reset' | 'event' | 'refused' | 'unsubscribed';
    readonly seq: number;
    readonly gseq: number;
    readonly epoch: string;
};

/** How the subscription under test is made: a mutant's test gives another class. */
export type Make = new (topic: string, outlet: Outlet, replayLimit: number | null) => Subscription;

/** Where it begins: so many events in the log, and so many of them missed (null: none asked for). */
export type Start = { readonly before: number; readonly back: number | null; readonly replayLimit: number | null };

/** One reader, its socket, the log and a tail that lags behind it. */
export class OneReader implements Outlet {
    readonly log = new MemoryLog();
    readonly hub = createHub({ onAccess: (change) => this.sub.accessChanged(change) });
    readonly sub: Subscription;
    readonly since: Since;
    readonly seen: Seen[] = [];
    /** Events that reached the reader though they came after its right was taken and before it was given again. */
    readonly leaks: Seen[] = [];
    takes = true;
    #outbox: (Outgoing | Seen)[] = [];
    #tail: (Batch | { readonly newEpoch: string })[] = [];
    #pinWanted = true;
    #readWanted = false;
    #pin: { readonly answer: Pin; readonly ticket: number } | null = null;
    #read: { readonly wanted: Wanted; readonly page: readonly Delivery[] } | null = null;
    #joined = false;
    #epochs = 1;
    #revokedAt: number | null = null;

    constructor({ before, back, replayLimit }: Start, make: Make = Subscription) {
        this.log.appendMany(TOPIC, before);
        this.since = back === null ? null : { seq: Math.max(0, before - back), epoch: 'k1' };
        this.sub = new make(TOPIC, this, replayLimit);
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
        if (step.do === 'append') this.#tail.push(this.log.appendMany(TOPIC, step.count));
        else if (step.do === 'tail') this.#publish(step.count);
        else if (step.do === 'flush') this.#flush(step.takes);
        else this.#steps[step.do]();
    }

    readonly #steps: Readonly<Record<Asynchronous | Rare | Access, () => void>> = {
        askPin: () => this.#askPin(),
        givePin: () => this.#givePin(),
        losePin: () => this.#losePin(),
        askRead: () => this.#askRead(),
        giveRead: () => this.#giveRead(),
        drain: () => this.#drain(),
        recheck: () => this.#flush(1000),
        reset: () => this.#tail.push(this.log.reset(TOPIC)),
        floor: () => this.#tail.push(this.log.floor('project')),
        epoch: () => this.#beginEpoch(),
        forget: () => this.log.forget(TOPIC, this.log.head(TOPIC) - 3),
        revoke: () => this.#revoke('revoked'),
        delete: () => this.#revoke('deleted'),
        grant: () => this.#grant(),
        flicker: () => {
            this.#revoke('revoked');
            this.#grant();
        },
    };

    /** The first pin, asked for and answered. */
    join(): void {
        this.#askPin();
        this.#givePin();
    }

    /** Lets everything come to rest. */
    finish(): void {
        for (let round = 0; round < 8 || (!this.#isAtRest() && round < 1000); round += 1) {
            this.#publish(1000);
            this.#askPin();
            this.#givePin();
            this.#drain();
            this.#askRead();
            this.#giveRead();
            this.#flush(1000);
        }
    }

    #isAtRest(): boolean {
        return this.sub.state === 'live' || this.sub.state === 'left';
    }

    #beginEpoch(): void {
        this.#epochs += 1;
        this.log.newEpoch(`k${this.#epochs}`);
        this.#tail.push({ newEpoch: this.log.epoch });
    }

    #revoke(reason: string): void {
        this.log.deny('ann', TOPIC);
        this.#tail.push(this.log.access('ann', reason === 'deleted' ? TOPIC : null, reason));
        this.#revokedAt ??= this.log.gseq;
    }

    #grant(): void {
        this.log.allow('ann', TOPIC);
        this.#tail.push(this.log.access('ann', TOPIC));
        this.#revokedAt = null;
    }

    /** A tail that meets another epoch goes on from its head: what it had not read, it never reads. */
    #publish(count: number): void {
        for (const piece of this.#tail.splice(0, count)) {
            if ('newEpoch' in piece) {
                this.#tail = [];
                this.sub.epochChanged();
                return;
            }
            this.hub.publish(piece);
        }
    }

    #askPin(): void {
        if (!this.#pinWanted || this.#pin !== null || this.sub.state === 'left') return;
        const since = this.#joined ? null : (this.since?.seq ?? null);
        const [answer] = this.log.pinNow([{ userId: 'ann', topic: TOPIC, since }]);
        if (answer !== undefined) this.#pin = { answer, ticket: this.sub.ticket };
    }

    /** The database could not be asked. */
    #losePin(): void {
        this.#pin = null;
    }

    #givePin(): void {
        const given = this.#pin;
        this.#pin = null;
        if (given === null || !this.sub.holds(given.answer, given.ticket)) return;
        this.#pinWanted = false;
        if (!given.answer.allowed) this.#end();
        else if (this.#joined) this.sub.repinned(given.answer);
        else this.#answer(given.answer);
    }

    #answer(pin: Pin): void {
        this.#joined = true;
        const { seq, epoch, outcome } = this.sub.pinned(pin, this.since);
        const from = outcome === 'resumed' && this.since !== null ? this.since.seq : seq;
        this.#outbox.push({ kind: 'joined', seq: from, gseq: 0, epoch });
        this.sub.advance();
    }

    #end(): void {
        this.hub.leave(TOPIC, this.sub);
        this.sub.leave();
        const kind = this.#joined ? 'unsubscribed' : 'refused';
        this.#outbox.push({ kind, seq: 0, gseq: 0, epoch: this.sub.revocation });
    }

    #askRead(): void {
        if (!this.#readWanted || this.#read !== null) return;
        this.#readWanted = false;
        const wanted = this.sub.wanted();
        if (wanted === null) return;
        const rows = this.log.readNow(TOPIC, wanted.after, wanted.upto, PAGE);
        const base = wanted.epoch.split('.')[0] ?? '';
        // Pages of another epoch are never given: the log says which it was read in.
        if (base !== this.log.epoch) this.#readWanted = true;
        else this.#read = { wanted, page: rows.map((row) => toDelivery(row, base)) };
    }

    #giveRead(): void {
        if (this.#read === null) return;
        const { wanted, page } = this.#read;
        this.#read = null;
        if (!this.sub.fed(wanted, page) && this.sub.wanted() !== null) this.#readWanted = true;
    }

    /** Hands out what was pushed; the socket takes so many rows of it and gives the others back. Answers always go. */
    #flush(takes: number): void {
        if (!this.takes) return;
        const items = this.#outbox;
        this.#outbox = [];
        let taken = 0;
        const back: Outgoing[] = [];
        for (const item of items) {
            const isAnswer = 'kind' in item && item.kind !== 'reset';
            if (isAnswer || (taken < takes && back.length === 0)) this.#receive(item);
            else back.push(item as Outgoing);
            taken += 1;
        }
        this.takes = back.length === 0;
        for (const item of back) this.sub.unsent(item);
    }

    #receive(item: Outgoing | Seen): void {
        if ('kind' in item) {
            const told = item.kind === 'reset' && 'frame' in item ? (JSON.parse(item.frame) as Seen) : (item as Seen);
            this.seen.push({ kind: item.kind, seq: told.seq, gseq: 0, epoch: told.epoch });
            return;
        }
        const seen: Seen = { kind: 'event', seq: item.seq, gseq: item.gseq, epoch: item.epoch };
        this.seen.push(seen);
        if (this.#revokedAt !== null && item.gseq > this.#revokedAt) this.leaks.push(seen);
    }

    #drain(): void {
        if (this.takes) return;
        this.takes = true;
        this.sub.advance();
    }
}

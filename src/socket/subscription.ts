/** One reader of one topic: a state machine that decides what is sent next. It does no I/O, so that every order of events can be tried. */

import type { Delivery, Floor, Sink } from '../fanout/index.ts';
import type { Outcome, ResetReason, Since } from '../protocol/index.ts';
import type { Pin } from '../store/topic-log.ts';
import { Backlog } from './backlog.ts';
import { baseOf, type ResetNotice, toNotice } from './reset-notice.ts';

/**
 * ```
 *            pinned                    cursor = goal, socket takes frames
 *  pending ─────────▶ catching ──────────────────────────────────────────▶ live
 *     ▲                  ▲                                                   │
 *     │                  └──────── a gap, or the socket takes nothing ───────┤
 *     └────────────────────────── its place in the log is in doubt ──────────┘
 *  any ── left ──▶ left
 * ```
 * pending: a pin is asked for; deliveries are kept. catching: fed from the log, page by page; deliveries are kept.
 * live: deliveries go straight out. left: deaf.
 */
export type SubscriptionState = 'pending' | 'catching' | 'live' | 'left';

/** What a subscription sends: a row of the log, or a reset. */
export type Outgoing = Delivery | ResetNotice;

/** What a subscription may ask of its socket. */
export type Outlet = {
    /** Whether frames are taken now; false while the socket is too slow. */
    accepting(): boolean;
    push(item: Outgoing, owner: Subscription): void;
    /** `owner.wanted()` is to be read from the log. */
    feed(owner: Subscription): void;
    /** `owner` is to be pinned again. */
    repin(owner: Subscription): void;
    /** `deliver` or `floor` threw. */
    failed(error: unknown): void;
};

/** A range of the log to read; `ticket` tells whether the subscription still means it when the rows come. */
export type Wanted = {
    readonly after: number;
    readonly upto: number;
    readonly epoch: string;
    readonly ticket: number;
};

/** What `subscribed` or `welcome` says. */
export type Answer = { readonly seq: number; readonly epoch: string; readonly outcome: Outcome };

/**
 * Invariants: `cursor` is the last seq handed to the socket; what is handed on is `cursor + 1`, or a reset that moves the
 * cursor to the head. Nothing is skipped without a reset.
 */
export class Subscription implements Sink {
    readonly topic: string;
    readonly #outlet: Outlet;
    readonly #replayLimit: number;
    readonly #backlog = new Backlog();
    #state: SubscriptionState = 'pending';
    #cursor = 0;
    /** The highest seq known to be in the log, whether it was published here or not. */
    #known = 0;
    #pinnedGseq = 0;
    #epoch = '';
    #base = '';
    #ticket = 0;
    /** A reset the socket did not take yet. */
    #owed: ResetNotice | null = null;
    /** The last floor that came while pending, and how far the topic was then. */
    #floor: { readonly floor: Floor; readonly seen: number } | null = null;

    /** `replayLimit` null: any distance is read from the log. */
    constructor(topic: string, outlet: Outlet, replayLimit: number | null) {
        this.topic = topic;
        this.#outlet = outlet;
        this.#replayLimit = replayLimit ?? Number.POSITIVE_INFINITY;
    }

    get state(): SubscriptionState {
        return this.#state;
    }

    /** Changes whenever an answer that is under way has become void. */
    get ticket(): number {
        return this.#ticket;
    }

    deliver(delivery: Delivery): void {
        if (this.#state === 'live') this.#deliverLive(delivery);
        else if (this.#state !== 'left') this.#backlog.note(delivery, this.#outlet.accepting());
    }

    #deliverLive(delivery: Delivery): void {
        if (delivery.epoch !== this.#base) {
            this.#backlog.note(delivery, true);
            this.#doubt();
        } else if (delivery.seq === this.#cursor + 1 && this.#outlet.accepting()) {
            this.#send(delivery);
        } else if (delivery.seq > this.#cursor) {
            this.#backlog.note(delivery, this.#outlet.accepting());
            this.#state = 'catching';
            this.advance();
        }
    }

    floor(floor: Floor): void {
        if (this.#state === 'left') return;
        if (this.#state === 'pending') this.#floor = { floor, seen: this.#backlog.seen };
        else this.#obey(floor, this.#head());
    }

    /** The answer to a first pin: where the topic stands and what becomes of `since`. Call `advance` when it is on its way. */
    pinned(pin: Pin, since: Since): Answer {
        this.#place(pin);
        const outcome = this.#outcome(pin, since);
        this.#cursor = outcome === 'resumed' && since !== null ? since.seq : pin.head;
        return { seq: pin.head, epoch: pin.epoch, outcome };
    }

    /** The answer to a pin asked for by `repin`: goes on where it was, or with a reset if the epoch has changed. */
    repinned(pin: Pin): void {
        const { base, epoch } = { base: this.#base, epoch: this.#epoch };
        this.#place(pin);
        if (pin.epoch !== epoch) this.#reset(pin.head, this.#base === base ? 'capture_error' : 'epoch');
        this.advance();
    }

    #place(pin: Pin): void {
        const base = baseOf(pin.epoch);
        this.#known = base === this.#base ? Math.max(this.#known, pin.head) : pin.head;
        this.#ticket += 1;
        this.#state = 'catching';
        this.#epoch = pin.epoch;
        this.#base = base;
        this.#pinnedGseq = pin.gseq;
        this.#backlog.adopt(this.#base);
    }

    #outcome(pin: Pin, since: Since): Outcome {
        if (since === null) return 'live';
        const near = pin.head - since.seq <= this.#replayLimit;
        return since.epoch === pin.epoch && pin.resumable && near ? 'resumed' : 'reset';
    }

    /** All positions are void: the database has begun another epoch. */
    epochChanged(): void {
        if (this.#state === 'left') return;
        const first = this.#state === 'pending' && this.#epoch === '';
        this.#epoch = first ? '' : 'void';
        this.#base = this.#epoch;
        this.#owed = null;
        this.#floor = null;
        this.#backlog.adopt('');
        this.#doubt();
    }

    /** Its place has to be asked for again; what is under way is void. */
    #doubt(): void {
        const asked = this.#state === 'pending';
        this.#state = 'pending';
        this.#ticket += 1;
        if (!asked) this.#outlet.repin(this);
    }

    /** Goes as far as what is kept allows: to live, or to asking for the log. Call it when the socket takes frames again. */
    advance(): void {
        if (this.#state === 'pending' || this.#state === 'left') return;
        this.#obeyKept();
        if (!this.#outlet.accepting()) {
            this.#stall();
            return;
        }
        this.#payOwed();
        if (this.#head() - this.#cursor > this.#replayLimit) this.#reset(this.#head(), 'lag');
        if (this.#cursor < this.#goal()) {
            this.#state = 'catching';
            this.#outlet.feed(this);
            return;
        }
        this.#state = 'live';
        for (const delivery of this.#backlog.take()) if (delivery.seq > this.#cursor) this.#send(delivery);
    }

    #stall(): void {
        this.#state = 'catching';
        this.#backlog.drop();
    }

    /** The range of the log it needs next, or null. */
    wanted(): Wanted | null {
        if (this.#state !== 'catching' || this.#cursor >= this.#goal() || !this.#outlet.accepting()) return null;
        return { after: this.#cursor, upto: this.#goal(), epoch: this.#epoch, ticket: this.#ticket };
    }

    /**
     * Rows of what was wanted, in order. A gap in them means they are gone from the log. False if they came too late to
     * mean anything.
     */
    fed(wanted: Wanted, page: readonly Delivery[]): boolean {
        if (this.#state !== 'catching' || wanted.ticket !== this.#ticket || !this.#outlet.accepting()) return false;
        for (const delivery of page) {
            if (delivery.seq !== this.#cursor + 1) break;
            this.#send(delivery);
        }
        const whole = page.length > 0 && page.at(-1)?.seq === this.#cursor;
        if (!whole) this.#reset(this.#head(), 'lag');
        this.advance();
        return true;
    }

    /** An item the socket did not take after all: it is owed, or read from the log later. */
    unsent(item: Outgoing): void {
        const notice = 'kind' in item;
        if (this.#state === 'left' || (notice ? item.base : item.epoch) !== this.#base) return;
        this.#known = Math.max(this.#known, this.#cursor);
        if (notice) this.#owe(item);
        else this.#cursor = Math.min(this.#cursor, item.seq - 1);
        if (this.#state === 'live') this.#stall();
        this.#ticket += this.#state === 'pending' ? 0 : 1;
    }

    /** Nothing more is wanted. */
    leave(): void {
        this.#state = 'left';
        this.#ticket += 1;
        this.#backlog.drop();
    }

    failed(error: unknown): void {
        this.#outlet.failed(error);
    }

    #send(delivery: Delivery): void {
        this.#cursor = delivery.seq;
        if (delivery.reset === null) this.#outlet.push(delivery, this);
        else this.#outlet.push(toNotice(this.topic, delivery.seq, this.#epoch, delivery.reset), this);
    }

    #obeyKept(): void {
        const kept = this.#floor;
        this.#floor = null;
        if (kept !== null && kept.floor.base === this.#base) this.#obey(kept.floor, Math.max(kept.seen, this.#known));
    }

    #obey(floor: Floor, head: number): void {
        if (floor.gseq <= this.#pinnedGseq) return;
        this.#pinnedGseq = floor.gseq;
        this.#epoch = floor.epoch;
        this.#reset(head, floor.reason);
        this.advance();
    }

    /** Gives up what lies before `seq`: the reader is told to load the topic anew. */
    #reset(seq: number, reason: ResetReason): void {
        this.#ticket += 1;
        this.#owe(toNotice(this.topic, seq, this.#epoch, reason));
        this.#payOwed();
    }

    #owe(notice: ResetNotice): void {
        this.#owed = notice;
        this.#cursor = notice.seq;
    }

    #payOwed(): void {
        const owed = this.#owed;
        if (owed === null || !this.#outlet.accepting()) return;
        this.#owed = null;
        this.#outlet.push(owed, this);
    }

    #head(): number {
        return Math.max(this.#known, this.#backlog.seen, this.#cursor);
    }

    #goal(): number {
        return Math.max(this.#known, this.#backlog.firstSeq - 1);
    }
}

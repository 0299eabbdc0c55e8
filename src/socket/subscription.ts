/** One reader of one topic: a state machine that decides what is sent next. It does no I/O, so that every order of events can be tried. */

import type { AccessChange, Delivery, Floor, Sink } from '../fanout/index.ts';
import type { Outcome, ResetReason, RevocationReason, Since } from '../protocol/index.ts';
import type { Pin } from '../store/topic-log.ts';
import { Clearance } from './clearance.ts';
import { Floors } from './floors.ts';
import { Handover } from './handover.ts';
import type { Outgoing, Outlet, Reader, Wanted } from './outlet.ts';
import { Place } from './place.ts';

/**
 * ```
 *            pinned                    cursor = goal, socket takes frames
 *  pending ─────────▶ catching ──────────────────────────────────────────▶ live
 *     ▲                │    ▲                                               │
 *     │                │    └──────── a gap, or the socket takes nothing ───┤
 *     └────────────────┴── its place or its right to read is in doubt ──────┘
 *  any ── left ──▶ left
 * ```
 * pending: a pin is asked for; nothing goes out, deliveries are kept. catching: fed from the log, page by page;
 * deliveries are kept. live: deliveries go straight out. left: deaf.
 */
export type SubscriptionState = 'pending' | 'catching' | 'live' | 'left';

/** What `subscribed` or `welcome` says. */
export type Answer = { readonly seq: number; readonly epoch: string; readonly outcome: Outcome };

/**
 * Invariants: what is handed to the socket is the cursor + 1, or a reset that moves the cursor to the head, so nothing is
 * skipped without a reset. What stands behind a change of access in the stream is handed on only once a pin whose
 * snapshot has seen the change allows it.
 */
export class Subscription implements Sink, Reader {
    readonly topic: string;
    readonly #outlet: Outlet;
    readonly #replayLimit: number;
    readonly #place = new Place();
    readonly #clearance = new Clearance();
    readonly #floors = new Floors();
    readonly #handover: Handover;
    #state: SubscriptionState = 'pending';
    #ticket = 0;

    /** `replayLimit` null: any distance is read from the log. */
    constructor(topic: string, outlet: Outlet, replayLimit: number | null) {
        this.topic = topic;
        this.#outlet = outlet;
        this.#handover = new Handover(this, outlet, this.#place);
        this.#replayLimit = replayLimit ?? Number.POSITIVE_INFINITY;
    }

    get state(): SubscriptionState {
        return this.#state;
    }

    /** Changes whenever an answer that is under way has become void. */
    get ticket(): number {
        return this.#ticket;
    }

    /** What its reader is told if a pin says that the right to read is gone. */
    get revocation(): RevocationReason {
        return this.#clearance.reason;
    }

    /** Whether the answer to a pin asked for under `ticket` still means something. */
    holds(pin: Pin, ticket: number): boolean {
        return ticket === this.#ticket && this.#clearance.isCoveredBy(pin.gseq);
    }

    deliver(delivery: Delivery): void {
        if (this.#state === 'live') this.#deliverLive(delivery);
        else if (this.#state !== 'left') this.#place.note(delivery, this.#outlet.accepting());
    }

    #deliverLive(delivery: Delivery): void {
        const place = this.#place;
        if (delivery.epoch !== place.base) {
            place.note(delivery, true);
            this.#doubt();
        } else if (delivery.seq === place.cursor + 1 && this.#outlet.accepting()) {
            this.#handover.send(delivery);
        } else if (delivery.seq > place.cursor) {
            place.note(delivery, this.#outlet.accepting());
            this.#state = 'catching';
            this.advance();
        }
    }

    floor(floor: Floor): void {
        if (this.#state === 'pending') this.#floors.keep(floor, this.#place.seenIn(floor.base));
        else if (this.#state !== 'left') this.#obey(floor, this.#place.head);
    }

    /** Its user's right to read changed at this place in the stream: it stands still here until a pin has seen the change. */
    accessChanged(change: Pick<AccessChange, 'gseq' | 'reason'>): void {
        if (this.#state === 'left' || !this.#clearance.question(change)) return;
        if (this.#state !== 'pending') this.#doubt();
    }

    /**
     * The tail has met another epoch: positions of any other are void. Whoever was pinned in it already, because the tail
     * was late, goes on from there: nothing was lost to them.
     */
    epochChanged(): void {
        if (this.#state === 'left') return;
        this.#clearance.forget();
        this.#doubt();
    }

    /** It has to be pinned again; what is under way is void. */
    #doubt(): void {
        const asked = this.#state === 'pending';
        this.#state = 'pending';
        this.#ticket += 1;
        if (!asked) this.#outlet.repin(this);
    }

    /**
     * The answer to a first pin, one that allows and `holds`: where the topic stands and what becomes of `since`. Call
     * `advance` when it is on its way.
     */
    pinned(pin: Pin, since: Since): Answer {
        this.#settle(pin);
        const outcome = this.#outcome(pin, since);
        this.#place.cursor = outcome === 'resumed' && since !== null ? since.seq : pin.head;
        return { seq: pin.head, epoch: pin.epoch, outcome };
    }

    /** The same for a pin asked for by `repin`: goes on where it was, or with a reset if the epoch has changed. */
    repinned(pin: Pin): void {
        const { base, epoch } = this.#place;
        this.#settle(pin);
        const isSameBase = this.#place.base === base;
        if (!isSameBase) this.#handover.forget();
        if (pin.epoch !== epoch) this.#reset(pin.head, isSameBase ? 'capture_error' : 'epoch');
        this.advance();
    }

    #settle(pin: Pin): void {
        this.#ticket += 1;
        this.#state = 'catching';
        this.#place.pin(pin);
        this.#clearance.settle(pin.gseq);
        this.#floors.pinned(pin.gseq);
    }

    #outcome(pin: Pin, since: Since): Outcome {
        if (since === null) return 'live';
        const near = pin.head - since.seq <= this.#replayLimit;
        return since.epoch === pin.epoch && pin.resumable && near ? 'resumed' : 'reset';
    }

    /** Goes as far as what is kept allows: to live, or to asking for the log. Call it when the socket takes frames again. */
    advance(): void {
        if (this.#state === 'pending' || this.#state === 'left') return;
        this.#obeyKept();
        if (!this.#outlet.accepting()) {
            this.#stall();
            return;
        }
        this.#handover.pay();
        const place = this.#place;
        if (place.head - place.cursor > this.#replayLimit) this.#reset(place.head, 'lag');
        if (place.cursor < place.goal) {
            this.#state = 'catching';
            this.#outlet.feed(this);
            return;
        }
        this.#state = 'live';
        for (const delivery of place.takeKept()) this.#handover.send(delivery);
    }

    #stall(): void {
        this.#state = 'catching';
        this.#place.dropKept();
    }

    wanted(): Wanted | null {
        const { cursor, epoch, goal } = this.#place;
        if (this.#state !== 'catching' || cursor >= goal || !this.#outlet.accepting()) return null;
        return { after: cursor, upto: goal, epoch, ticket: this.#ticket };
    }

    fed(wanted: Wanted, page: readonly Delivery[]): boolean {
        if (this.#state !== 'catching' || wanted.ticket !== this.#ticket || !this.#outlet.accepting()) return false;
        for (const delivery of page) {
            if (delivery.seq !== this.#place.cursor + 1) break;
            this.#handover.send(delivery);
        }
        const whole = page.length > 0 && page.at(-1)?.seq === this.#place.cursor;
        if (!whole) this.#reset(this.#place.head, 'lag');
        this.advance();
        return true;
    }

    unsent(item: Outgoing): void {
        if (this.#state === 'left' || !this.#handover.takeBack(item)) return;
        if (this.#state === 'live') this.#stall();
        this.#ticket += this.#state === 'pending' ? 0 : 1;
    }

    /** Nothing more is wanted. */
    leave(): void {
        this.#state = 'left';
        this.#ticket += 1;
        this.#place.dropKept();
    }

    failed(error: unknown): void {
        this.#outlet.failed(error);
    }

    #obeyKept(): void {
        const kept = this.#floors.takeKept(this.#place.base);
        if (kept !== null) this.#obey(kept.floor, Math.max(kept.seen, this.#place.known));
    }

    #obey(floor: Floor, head: number): void {
        if (!this.#floors.heed(floor)) return;
        this.#place.epoch = floor.epoch;
        this.#reset(head, floor.reason);
        this.advance();
    }

    #reset(seq: number, reason: ResetReason): void {
        this.#ticket += 1;
        this.#handover.reset(seq, reason);
    }
}

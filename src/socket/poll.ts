/** One request for events of a topic that waits for some: a reader that collects what it is handed, for a while. */

import { TidingsError } from '../errors.ts';
import type { Outcome, ServerFrame, Since } from '../protocol/index.ts';
import type { Cancel } from './clock.ts';
import { type Joined, Memberships, type SocketPorts } from './memberships.ts';
import type { Outgoing } from './outlet.ts';
import type { Subscription } from './subscription.ts';

/** What is asked for; `waitMs` is how long nothing is an answer not worth giving. */
export type PollRequest = {
    readonly userId: string;
    readonly topic: string;
    readonly since: Since;
    readonly limit: number;
    readonly waitMs: number;
};

/** Event frames in order, and the place after the last of them: what to ask from next. */
export type PollAnswer = {
    readonly items: readonly Buffer[];
    readonly seq: number;
    readonly epoch: string;
    readonly outcome: Outcome;
};

/** No more is collected once there is so much. */
const MOST_BYTES = 1024 * 1024;
/** How long the log may take to bring what is there. */
const PATIENCE_MS = 10_000;
/** How soon one that has reason to answer and may not yet is looked at again. */
const CHECK_MS = 20;
const RETRY_MS = 1000;

/**
 * ```
 *  joining ──pinned──▶ collecting ──enough, or all there is and not nothing──▶ answered
 *     └── refused          └── revoked, no time left, client gone ──▶ refused
 * ```
 */
export class Poll {
    readonly #request: PollRequest;
    readonly #ports: SocketPorts;
    readonly #memberships: Memberships;
    readonly #items: Buffer[] = [];
    readonly #result: Promise<PollAnswer | null>;
    #resolve: (answer: PollAnswer | null) => void = () => undefined;
    #reject: (error: TidingsError) => void = () => undefined;
    #subscription: Subscription | null = null;
    #place: Omit<PollAnswer, 'items'> = { seq: 0, epoch: '', outcome: 'live' };
    #bytes = 0;
    #looking = false;
    #timeIsUp = false;
    #waits = false;
    #ended = false;
    #cancelWait: Cancel = () => undefined;
    #cancelPatience: Cancel = () => undefined;
    #cancelLook: Cancel = () => undefined;

    constructor(request: PollRequest, ports: SocketPorts) {
        this.#request = request;
        this.#ports = ports;
        this.#result = new Promise((resolve, reject) => {
            this.#resolve = resolve;
            this.#reject = reject;
        });
        // Whoever runs it hears of it; until then nobody does.
        this.#result.catch(() => undefined);
        this.#memberships = new Memberships(request.userId, ports, {
            accepting: () => !this.#isFull(),
            push: (item) => this.#take(item),
            flush: () => this.#lookSoon(),
            revoked: () => this.#resolve(null),
            disconnected: () => this.#resolve(null),
            failed: (cause) => this.#reject(new TidingsError('internal', FAILED, { cause })),
        });
    }

    /**
     * Reads, and waits; null if the topic is not to be read or ceases to be.
     *
     * @throws TidingsError `unavailable` if the log can't be read.
     */
    async run(): Promise<PollAnswer | null> {
        const { topic, since, waitMs } = this.#request;
        try {
            const joined = await this.#memberships.join(topic, since)();
            this.#begin(joined);
            if (waitMs > 0) this.#cancelWait = this.#ports.clock.after(waitMs, () => this.wrapUp());
            else this.wrapUp();
            this.#cancelPatience = this.#ports.clock.after(Math.max(waitMs, PATIENCE_MS), () =>
                this.#reject(unavailable()),
            );
            const answer = await this.#result;
            return answer === null || (await this.#mayStillRead()) ? answer : null;
        } finally {
            this.#ended = true;
            for (const cancel of [this.#cancelWait, this.#cancelPatience, this.#cancelLook]) cancel();
            this.#memberships.end();
        }
    }

    /** While it waited time has passed since its right was checked, and the end of that need not have been told. */
    async #mayStillRead(): Promise<boolean> {
        if (!this.#waits) return true;
        const { userId, topic } = this.#request;
        const pinned = await this.#ports.pin({ userId, topic, since: null });
        if (pinned === null) throw unavailable();
        return pinned.allowed;
    }

    /** Waits no longer: nothing is an answer now. */
    wrapUp(): void {
        this.#timeIsUp = true;
        this.#look();
    }

    /** Nobody waits for it any more: whatever it answers is not read, and that is no failure. */
    abandon(): void {
        this.#resolve(null);
    }

    #begin(joined: Joined): void {
        if (!joined.ok) {
            if (joined.code === 'internal') this.#reject(unavailable());
            else this.#resolve(null);
            return;
        }
        const { since } = this.#request;
        const { seq, epoch, outcome } = joined.answer;
        this.#subscription = joined.subscription;
        this.#place = { seq: outcome === 'resumed' && since !== null ? since.seq : seq, epoch, outcome };
        if (outcome === 'reset') this.#answer();
        else joined.subscription.advance();
        this.#lookSoon();
    }

    #take(item: Outgoing): void {
        if (this.#isFull()) return;
        if ('kind' in item) {
            this.#reset(item.frame);
            return;
        }
        this.#items.push(item.frame);
        this.#bytes += item.frame.length;
        this.#place = { ...this.#place, seq: item.seq };
        this.#lookSoon();
    }

    /** What was collected before is part of what has to be loaded anew. */
    #reset(frame: string): void {
        const { seq, epoch } = JSON.parse(frame) as ServerFrame & { readonly type: 'reset' };
        this.#items.length = 0;
        this.#place = { seq, epoch, outcome: 'reset' };
        this.#answer();
    }

    #isFull(): boolean {
        return this.#items.length >= this.#request.limit || this.#bytes >= MOST_BYTES;
    }

    /** At the end of the turn, so that events that come together are answered together. */
    #lookSoon(): void {
        if (this.#looking) return;
        this.#looking = true;
        this.#ports.clock.atTurnEnd(() => {
            this.#looking = false;
            this.#look();
        });
    }

    /** While its place or its right to read is being checked, what it has can't be given: it looks again a little later. */
    #look(): void {
        if (this.#ended) return;
        const hasReason = this.#items.length > 0 || this.#timeIsUp;
        if (this.#isFull() || (hasReason && this.#subscription?.state === 'live')) {
            this.#answer();
        } else if (!hasReason) {
            this.#wait();
        } else {
            this.#cancelLook();
            this.#cancelLook = this.#ports.clock.after(CHECK_MS, () => this.#look());
        }
    }

    #wait(): void {
        if (this.#waits || this.#subscription?.state !== 'live') return;
        this.#waits = true;
        this.#ports.observe({ type: 'poll.waiting', topic: this.#request.topic });
    }

    #answer(): void {
        this.#resolve({ ...this.#place, items: [...this.#items] });
    }
}

const FAILED = 'expected the events to be read, got a failure on our side';

function unavailable(): TidingsError {
    const message = 'expected the log to be read in time, got a passing fault; try again';
    return new TidingsError('unavailable', message, { retryAfterMs: RETRY_MS });
}

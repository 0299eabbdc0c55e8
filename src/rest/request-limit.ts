/**
 * How many requests a key has left in its window, on all servers together.
 *
 * Counted here, and told to the others some at a time: so a request waits for the database once in `step`, and all servers
 * together let through no more than the limit and a step of each. Where the database doesn't answer, each counts alone.
 */

import type { Rate } from '../config/values.ts';
import type { CountRequests } from '../store/request-counter.ts';
import { within } from '../within.ts';

/** What a request is told of its limit. */
export type Allowance = {
    readonly allowed: boolean;
    readonly limit: number;
    readonly remaining: number;
    /** Until the window ends. */
    readonly resetMs: number;
    readonly perMs: number;
};

export type RequestLimitOptions = {
    readonly rate: Rate;
    readonly count: CountRequests;
    readonly nowMs: () => number;
    /** How long a request waits for the others' count. */
    readonly patienceMs?: number;
    /** Keys remembered at once; the oldest go first. */
    readonly mostKeys?: number;
};

/** A window as this server knows it. */
type Window = {
    endsMs: number;
    /** What all have counted, as far as was heard. */
    counted: number;
    /** Counted here and not told yet. */
    untold: number;
    /** The telling that is under way. */
    telling: Promise<void> | null;
};

/** Two in a hundred: five servers together stay within a tenth of the limit. */
const STEP_SHARE = 0.02;
const PATIENCE_MS = 250;
const MOST_KEYS = 100_000;

export class RequestLimit {
    readonly #rate: Rate;
    readonly #count: CountRequests;
    readonly #nowMs: () => number;
    readonly #patienceMs: number;
    readonly #mostKeys: number;
    readonly #step: number;
    readonly #windows = new Map<string, Window>();

    constructor({ rate, count, nowMs, patienceMs = PATIENCE_MS, mostKeys = MOST_KEYS }: RequestLimitOptions) {
        this.#rate = rate;
        this.#count = count;
        this.#nowMs = nowMs;
        this.#patienceMs = patienceMs;
        this.#mostKeys = mostKeys;
        this.#step = Math.max(1, Math.floor(rate.count * STEP_SHARE));
    }

    /** Counts a request. Never rejects. */
    async take(key: string): Promise<Allowance> {
        const window = this.#windowOf(key);
        // Asking again and again costs nobody a query.
        if (window.counted + window.untold >= this.#rate.count) return this.#allowance(window, false);
        window.untold += 1;
        const isNew = window.endsMs === Number.POSITIVE_INFINITY;
        if (isNew || window.untold >= this.#step) await this.#tell(key, window);
        return this.#allowance(window, window.counted + window.untold <= this.#rate.count);
    }

    #windowOf(key: string): Window {
        const known = this.#windows.get(key);
        if (known !== undefined && known.endsMs > this.#nowMs()) return known;
        const window: Window = { endsMs: Number.POSITIVE_INFINITY, counted: 0, untold: 0, telling: null };
        this.#windows.delete(key);
        this.#windows.set(key, window);
        const [oldest] = this.#windows.keys();
        if (this.#windows.size > this.#mostKeys && oldest !== undefined) this.#windows.delete(oldest);
        return window;
    }

    /** One at a time, so that nothing is told twice; who comes meanwhile waits for it and tells the rest. */
    async #tell(key: string, window: Window): Promise<void> {
        while (window.telling !== null) await window.telling;
        if (window.untold === 0) return;
        window.telling = this.#exchange(key, window);
        await window.telling;
        window.telling = null;
    }

    async #exchange(key: string, window: Window): Promise<void> {
        const told = window.untold;
        const answered = this.#count(key, told).catch(() => null);
        const answer = await within(this.#patienceMs, answered, null);
        window.untold -= told;
        window.counted = answer === null ? window.counted + told : answer.counted;
        const endsMs = this.#nowMs() + (answer?.resetMs ?? this.#rate.perMs);
        // What the database could not say, it may say the next time.
        if (answer !== null || window.endsMs === Number.POSITIVE_INFINITY) window.endsMs = endsMs;
    }

    #allowance({ endsMs, counted, untold }: Window, allowed: boolean): Allowance {
        const { count, perMs } = this.#rate;
        const resetMs = Math.min(perMs, Math.max(0, endsMs - this.#nowMs()));
        return { allowed, limit: count, remaining: Math.max(0, count - counted - untold), resetMs, perMs };
    }
}

/** Pages of the log that were read a moment ago: rows never change within an epoch, so whoever comes next may have them. */

import type { Delivery } from './delivery.ts';

/** Rows of one topic as one read found them, in order: all there were with `after < seq <= upto`. */
export type Page = {
    readonly after: number;
    readonly upto: number;
    readonly rows: readonly Delivery[];
    readonly bytes: number;
};

/** Time as the store needs it. */
export type Timers = {
    nowMs(): number;
    after(delayMs: number, run: () => void): unknown;
};

/** Pages kept: how much memory they may take, and for how long one is kept that nobody asks for. */
export type PageLimits = { readonly bytes: number; readonly idleMs: number };

type Kept = { readonly page: Page; usedMs: number };

/** Least recently used first out. */
export class PageStore {
    readonly #limits: PageLimits;
    readonly #timers: Timers;
    /** In order of use. */
    readonly #kept = new Map<string, Kept>();
    #bytes = 0;
    #sweeping = false;

    constructor(timers: Timers, limits: PageLimits) {
        this.#timers = timers;
        this.#limits = limits;
    }

    get bytes(): number {
        return this.#bytes;
    }

    get(key: string): Page | null {
        const kept = this.#kept.get(key);
        if (kept === undefined) return null;
        kept.usedMs = this.#timers.nowMs();
        this.#kept.delete(key);
        this.#kept.set(key, kept);
        return kept.page;
    }

    put(key: string, page: Page): void {
        this.#drop(key);
        this.#kept.set(key, { page, usedMs: this.#timers.nowMs() });
        this.#bytes += page.bytes;
        for (const oldest of this.#kept.keys()) {
            if (this.#bytes <= this.#limits.bytes) break;
            this.#drop(oldest);
        }
        this.#sweepLater();
    }

    clear(): void {
        this.#kept.clear();
        this.#bytes = 0;
    }

    #drop(key: string): void {
        this.#bytes -= this.#kept.get(key)?.page.bytes ?? 0;
        this.#kept.delete(key);
    }

    #sweepLater(): void {
        if (this.#sweeping || this.#kept.size === 0) return;
        this.#sweeping = true;
        this.#timers.after(this.#limits.idleMs, () => {
            this.#sweeping = false;
            const sinceMs = this.#timers.nowMs() - this.#limits.idleMs;
            for (const [key, { usedMs }] of this.#kept) {
                if (usedMs > sinceMs) break;
                this.#drop(key);
            }
            this.#sweepLater();
        });
    }
}

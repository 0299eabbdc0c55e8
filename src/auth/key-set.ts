/** A remote key set that is kept: asked for rarely, whatever tokens come, and believed for a while when it can't be had. */

import { errors, type JWTVerifyGetKey } from 'jose';
import type { Observe } from '../observe.ts';
import { fetchKeySet } from './fetch-key-set.ts';

/** How a key set is kept; all in milliseconds. */
export type KeySetTimes = {
    /** A request takes no longer. */
    readonly timeoutMs: number;
    /** Keys that came less than this ago are believed; so long is a key that was withdrawn still accepted. */
    readonly freshMs: number;
    /** The same while none newer can be had. */
    readonly staleMs: number;
    /** So long after an answer no unknown key id makes us ask again. */
    readonly coolDownMs: number;
    /** So long after a failure nothing makes us ask again. */
    readonly retryMs: number;
};

/**
 * An hour of stale keys: a provider that is down issues no tokens, and those it has issued seldom live longer. Beyond it
 * whoever keeps us from the URL would keep a stolen key alive that has long been withdrawn.
 */
export const KEY_SET_TIMES: KeySetTimes = {
    timeoutMs: 3_000,
    freshMs: 600_000,
    staleMs: 3_600_000,
    coolDownMs: 30_000,
    retryMs: 1_000,
};

/** What is kept: how to find a key, and since when. */
type Kept = { readonly find: JWTVerifyGetKey; readonly atMs: number };

/** What a key set works with. `nowMs` only ever goes up. */
export type KeySetPorts = { readonly observe: Observe; readonly times: KeySetTimes; readonly nowMs: () => number };

/**
 * ```
 *  none ──asked──▶ fresh ──freshMs──▶ old ──asked──▶ fresh
 *                                      └──it fails──▶ stale ──asked aside──▶ fresh
 *                                                       └──staleMs──▶ none
 * ```
 * Who comes to an old set waits for the answer, but one that is known to be out of reach keeps nobody waiting.
 */
export class KeySet {
    readonly #url: string;
    readonly #ports: KeySetPorts;
    #kept: Kept | null = null;
    #failure: { readonly error: unknown; readonly atMs: number } | null = null;
    #asking: Promise<Kept> | null = null;

    constructor(url: string, ports: KeySetPorts) {
        this.#url = url;
        this.#ports = ports;
    }

    /** The key for a token's header; rejects with jose's `JWKSNoMatchingKey`, or with why the set can't be had. */
    readonly find: JWTVerifyGetKey = async (header, token) => {
        const { find, atMs } = await this.#current();
        try {
            return await find(header, token);
        } catch (error) {
            const isNews =
                error instanceof errors.JWKSNoMatchingKey && this.#ageMs(atMs) >= this.#ports.times.coolDownMs;
            if (!isNews) throw error;
            return await (await this.#ask()).find(header, token);
        }
    };

    async #current(): Promise<Kept> {
        const { freshMs, staleMs } = this.#ports.times;
        const kept = this.#kept;
        if (kept === null || this.#ageMs(kept.atMs) >= staleMs) return await this.#ask();
        if (this.#ageMs(kept.atMs) < freshMs) return kept;
        const isOutOfReach = this.#failure !== null && this.#failure.atMs - kept.atMs >= freshMs;
        const asking = this.#ask().catch(() => kept);
        return isOutOfReach ? kept : await asking;
    }

    /** All who ask at once share one request. */
    async #ask(): Promise<Kept> {
        const { nowMs, times } = this.#ports;
        if (this.#asking === null) {
            if (this.#failure !== null && nowMs() - this.#failure.atMs < times.retryMs) throw this.#failure.error;
            this.#asking = this.#fetch().finally(() => {
                this.#asking = null;
            });
        }
        return await this.#asking;
    }

    async #fetch(): Promise<Kept> {
        const { nowMs, observe, times } = this.#ports;
        try {
            const kept = { find: await fetchKeySet(this.#url, times.timeoutMs), atMs: nowMs() };
            this.#kept = kept;
            this.#failure = null;
            return kept;
        } catch (error) {
            this.#failure = { error, atMs: nowMs() };
            observe({ type: 'service.failed', service: 'key set', error });
            throw error;
        }
    }

    #ageMs(atMs: number): number {
        return this.#ports.nowMs() - atMs;
    }
}

/** Tokens that were checked a moment ago, by their hash: whoever asks often is not checked anew each time. */

import { createHash } from 'node:crypto';
import type { Identity } from './claims.ts';

/** How long a check counts: a key that was withdrawn is believed no longer than that beyond its set. */
const KEPT_MS = 10_000;
const MOST = 10_000;

type Known = { readonly identity: Identity; readonly atMs: number };

/** Good ones only. The oldest are forgotten first. */
export class KnownTokens {
    readonly #known = new Map<string, Known>();
    readonly #nowMs: () => number;

    /** `nowMs` only ever goes up. */
    constructor(nowMs: () => number) {
        this.#nowMs = nowMs;
    }

    /** Whom the token speaks for, if that was found out lately and it has not expired since. */
    find(token: string): Identity | null {
        const key = keyOf(token);
        const known = this.#known.get(key);
        if (known === undefined) return null;
        if (this.#nowMs() - known.atMs < KEPT_MS && known.identity.expiresAtMs > Date.now()) return known.identity;
        this.#known.delete(key);
        return null;
    }

    add(token: string, identity: Identity): void {
        this.#known.set(keyOf(token), { identity, atMs: this.#nowMs() });
        const [oldest] = this.#known.keys();
        if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    }
}

function keyOf(token: string): string {
    return createHash('sha256').update(token).digest('base64');
}

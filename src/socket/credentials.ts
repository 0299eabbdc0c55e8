/** Whom a socket speaks for: the first token, later ones of the same user, and the moment the last one expires. */

import { type Identity, reasonOf, refusal, type Verifier } from '../auth/index.ts';
import { TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import type { Cancel, Clock } from './clock.ts';

/** What credentials work with. */
export type CredentialsPorts = {
    readonly address: string;
    readonly verifier: Verifier;
    readonly clock: Clock;
    readonly observe: Observe;
    readonly onExpired: () => void;
};

/** `refused`: the token is no good. `unknown`: it could not be checked, which is not its fault. */
export type Verdict = { readonly identity: Identity } | 'refused' | 'unknown';

/** One per socket. */
export class Credentials {
    readonly #ports: CredentialsPorts;
    #identity: Identity | null = null;
    #stopped = false;
    #cancelExpiry: Cancel = () => undefined;

    constructor(ports: CredentialsPorts) {
        this.#ports = ports;
    }

    /** Null before the first token was accepted. */
    get identity(): Identity | null {
        return this.#identity;
    }

    /** Checks a token and, if it is of the same user as before, goes by it from now on. Never rejects. */
    async present(token: string, where: string): Promise<Verdict> {
        try {
            const identity = await this.#ports.verifier.verify(token);
            if (this.#identity !== null && identity.userId !== this.#identity.userId) throw refusal('other_user');
            this.adopt(identity);
            return { identity };
        } catch (error) {
            return this.#note(error, where);
        }
    }

    /** Notes that there was no token where one had to be. */
    missing(where: string): void {
        this.#note(refusal('missing'), where);
    }

    /** No timer is left, nor will there be one. */
    stop(): void {
        this.#stopped = true;
        this.#cancelExpiry();
    }

    /** Goes by a token that somebody else has checked. */
    adopt(identity: Identity): void {
        this.#identity = identity;
        this.#cancelExpiry();
        if (!this.#stopped) this.#watch(identity.expiresAtMs);
    }

    /** One timer can't span every time, so what has come is looked at again. */
    #watch(atMs: number): void {
        const { clock } = this.#ports;
        this.#cancelExpiry = clock.after(atMs - clock.wallMs(), () => {
            if (clock.wallMs() < atMs) this.#watch(atMs);
            else this.#expire();
        });
    }

    #expire(): void {
        this.#note(refusal('expired'), 'socket');
        this.#ports.onExpired();
    }

    #note(error: unknown, where: string): 'refused' | 'unknown' {
        if (error instanceof TidingsError && error.code === 'unauthorized') {
            this.#ports.observe({ type: 'auth.failed', where, reason: reasonOf(error), address: this.#ports.address });
            return 'refused';
        }
        this.#ports.observe({ type: 'handler.failed', where: 'auth', error });
        return 'unknown';
    }
}

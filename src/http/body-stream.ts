/**
 * Sends a body that comes in pieces, as fast as the client takes it.
 *
 * uWebSockets.js, seen with the binary we use: what a `write` can't hand to the kernel is kept and goes out with the next
 * `write` or `cork` only, once there is an `onWritable`; 10 s after a write that found no room the connection is cut, unless
 * there was room meanwhile or another such write. So room is used when it is told of, what is kept is pushed on every few
 * seconds, and the end of patience is our own. With no write under way a response may be silent for ever.
 */

import type { HttpResponse } from './uws.ts';

/** Less than half of what uWebSockets.js waits. */
const PUSH_MS = 4000;

/** What a body's way out is made with. */
export type BodyStreamOptions = {
    /** Aborted when the client has gone. */
    readonly signal: AbortSignal;
    /** How long the client may take nothing while something waits for it. */
    readonly stallDeadlineMs: number;
};

/** One body on its way. */
export class BodyStream {
    readonly #res: HttpResponse;
    readonly #signal: AbortSignal;
    readonly #stallDeadlineMs: number;
    /** When a write found no room; null if there is some, as far as is known. */
    #blockedMs: number | null = null;
    #goOn: () => void = () => undefined;

    constructor(res: HttpResponse, { signal, stallDeadlineMs }: BodyStreamOptions) {
        this.#res = res;
        this.#signal = signal;
        this.#stallDeadlineMs = stallDeadlineMs;
        res.onWritable(() => {
            this.#blockedMs = null;
            this.#push();
            return true;
        });
    }

    /** Resolves once all was handed over, or the client has gone; rejects if the body breaks. */
    async send(body: ReadableStream<Uint8Array>): Promise<void> {
        const reader = body.getReader();
        const pusher = setInterval(() => this.#pushOrCut(), PUSH_MS);
        const leave = () => {
            void reader.cancel().catch(() => undefined);
            this.#goOn();
        };
        this.#signal.addEventListener('abort', leave, { once: true });
        if (this.#signal.aborted) leave();
        try {
            for (;;) {
                const { done, value } = await reader.read();
                if (done || this.#signal.aborted) return;
                if (!this.#write(value)) await this.#room();
            }
        } finally {
            clearInterval(pusher);
        }
    }

    #write(chunk: Uint8Array): boolean {
        let room = true;
        this.#res.cork(() => {
            room = this.#res.write(chunk);
        });
        if (room) this.#blockedMs = null;
        else this.#blockedMs ??= performance.now();
        return room;
    }

    #room(): Promise<void> {
        return new Promise((resolve) => {
            this.#goOn = resolve;
        });
    }

    #pushOrCut(): void {
        if (this.#signal.aborted) return;
        const blockedMs = this.#blockedMs === null ? 0 : performance.now() - this.#blockedMs;
        if (blockedMs > this.#stallDeadlineMs) this.#res.close();
        else this.#push();
    }

    /** Has what is kept sent, then lets the next piece be tried: where there is room again, nothing else may tell. */
    #push(): void {
        this.#res.cork(() => undefined);
        this.#goOn();
    }
}

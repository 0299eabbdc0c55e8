/** What one connection is told: frames, errors, goodbyes, and nothing after its end. */

import { CLOSE, type CloseCode, echo, encodeFrame, type ServerFrame, type SocketErrorCode } from '../protocol/index.ts';
import { Outflow, type OutflowPorts } from './outflow.ts';
import type { Outgoing, Reader } from './outlet.ts';
import type { Wire } from './wire.ts';

/** What a line works with. */
export type LinePorts = Omit<OutflowPorts, 'onHopeless'> & {
    /** Called once, whoever ended it, before the peer is told. */
    readonly onEnded: (code: number) => void;
};

/** `ref` is that of the frame it answers, if it answers one; `retryAfterMs`, when to come again, if that is known. */
type Failing = { readonly ref?: string | null; readonly retryAfterMs?: number };

/** `open ──close, or the peer is gone──▶ ended` */
export class Line {
    readonly #wire: Wire;
    readonly #out: Outflow;
    readonly #onEnded: (code: number) => void;
    #ended = false;

    constructor(wire: Wire, { onEnded, ...ports }: LinePorts) {
        this.#wire = wire;
        this.#onEnded = onEnded;
        this.#out = new Outflow(wire, { ...ports, onHopeless: () => this.close(CLOSE.hopelesslySlow, 'too slow') });
    }

    /** Whether rows of the log are taken: false while the peer is too slow, and after the end. */
    get flowing(): boolean {
        return this.#out.flowing && !this.#ended;
    }

    /** Bytes the peer has not taken yet. */
    get bufferedBytes(): number {
        return this.#wire.bufferedBytes();
    }

    /** Says a frame, after everything said before. */
    say(frame: ServerFrame): void {
        if (!this.#ended) this.#out.control(encodeFrame(frame));
    }

    push(item: Outgoing, owner: Reader): void {
        if (!this.#ended) this.#out.push(item, owner);
    }

    /** Hands over what was said this turn. */
    flush(): void {
        if (!this.#ended) this.#out.flush();
    }

    /** The transport has room again. */
    drained(): void {
        if (!this.#ended) this.#out.drained();
    }

    /** Says why, then closes. */
    fail(
        code: SocketErrorCode,
        message: string,
        closeCode: CloseCode,
        { ref = null, retryAfterMs }: Failing = {},
    ): void {
        const again = retryAfterMs === undefined ? {} : { retryAfterMs };
        this.say({ type: 'error', code, message, ...again, ...echo(ref) });
        this.close(closeCode, code);
    }

    /** Sends what is left and closes. */
    close(code: CloseCode, reason: string): void {
        if (this.#ended) return;
        this.#out.flush();
        this.gone(code);
        this.#wire.close(code, reason);
    }

    /** The connection is gone. */
    gone(code: number): void {
        if (this.#ended) return;
        this.#ended = true;
        this.#out.stop();
        this.#onEnded(code);
    }
}

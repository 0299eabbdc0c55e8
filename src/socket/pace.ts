/** How fast one socket may speak: its messages and, apart, its pings and pongs. What comes too fast is answered, not handled. */

import type { Rate } from '../config/values.ts';
import { CLOSE, type ClientFrame, echo } from '../protocol/index.ts';
import type { Clock } from './clock.ts';
import type { Line } from './line.ts';
import { type Burst, MessageLimit } from './message-limit.ts';

export type PacePorts = {
    /** Null: as fast as they like. */
    readonly rate: Rate | null;
    /** How often we ask for a sign of life, at most: so often a pong is an answer. */
    readonly heartbeatMs: number;
    readonly clock: Clock;
    readonly onBurst: (what: 'messages' | 'pings', burst: Burst) => void;
};

/** One per socket. */
export class Pace {
    readonly #line: Line;
    readonly #clock: Clock;
    readonly #rate: Rate | null;
    readonly #messages: MessageLimit | null;
    readonly #pings: MessageLimit | null;
    readonly #pongMs: number;
    #pongedMs = Number.NEGATIVE_INFINITY;

    constructor(line: Line, { rate, heartbeatMs, clock, onBurst }: PacePorts) {
        const limitOf = (what: 'messages' | 'pings') =>
            rate === null ? null : new MessageLimit(rate, clock.nowMs(), (burst) => onBurst(what, burst));
        this.#line = line;
        this.#clock = clock;
        this.#rate = rate;
        this.#messages = limitOf('messages');
        this.#pings = limitOf('pings');
        this.#pongMs = heartbeatMs / 2;
    }

    /** Whether a frame is to be handled; if not, its ref is echoed, so that the client knows what to say again. */
    admits({ ref }: ClientFrame): boolean {
        const verdict = this.#messages?.judge(this.#clock.nowMs()) ?? { type: 'pass' };
        if (verdict.type === 'pass') return true;
        this.#complain(verdict.retryAfterMs, ref);
        if (verdict.type === 'close') this.#line.close(CLOSE.rateLimited, 'rate_limited');
        return false;
    }

    /** A ping of the protocol has come, which the transport has answered. */
    pinged(): void {
        const verdict = this.#pings?.judge(this.#clock.nowMs());
        if (verdict?.type !== 'close') return;
        this.#complain(verdict.retryAfterMs, null);
        this.#line.close(CLOSE.rateLimited, 'rate_limited');
    }

    /** A pong has come: one in half a heartbeat can be the answer to a ping of ours, those beyond it count as pings do. */
    ponged(): void {
        const nowMs = this.#clock.nowMs();
        if (nowMs - this.#pongedMs < this.#pongMs) this.pinged();
        else this.#pongedMs = nowMs;
    }

    /** The socket has ended: bursts that have not are told of. */
    end(): void {
        this.#messages?.end();
        this.#pings?.end();
    }

    #complain(retryAfterMs: number, ref: string | null): void {
        const { count, perMs } = this.#rate ?? {};
        const message = `expected at most ${count} messages in ${perMs} ms, got more`;
        this.#line.say({ type: 'error', code: 'rate_limited', message, retryAfterMs, ...echo(ref) });
    }
}

/** The way out of one socket: flushes its outbox once a turn, and stands still while the socket takes nothing. */

import type { Observe } from '../observe.ts';
import type { Cancel, Clock } from './clock.ts';
import { Outbox } from './outbox.ts';
import type { Outgoing, Reader } from './outlet.ts';
import type { SocketSettings } from './settings.ts';
import type { Wire } from './wire.ts';

/** What an outflow works with. */
export type OutflowPorts = {
    readonly connection: string;
    readonly clock: Clock;
    readonly observe: Observe;
    readonly settings: SocketSettings;
    /** Has `flush` called at the end of this turn. */
    readonly onDirty: () => void;
    /** Frames are taken again. */
    readonly onResumed: () => void;
    /** Nothing was taken for `stallDeadlineMs`. */
    readonly onHopeless: () => void;
};

/**
 * ```
 *  flowing ──too much piled up──▶ stalled ──drained below half──▶ flowing
 *                                    └──no progress in time──▶ onHopeless
 * ```
 */
export class Outflow {
    readonly #wire: Wire;
    readonly #ports: OutflowPorts;
    readonly #outbox: Outbox;
    #stalled = false;
    #dirty = false;
    /** Bytes that were piled up when progress was last made. */
    #leftBytes = 0;
    #cancelDeadline: Cancel = () => undefined;

    constructor(wire: Wire, ports: OutflowPorts) {
        this.#wire = wire;
        this.#ports = ports;
        this.#outbox = new Outbox(wire, ports.settings.wsMaxBackpressureBytes);
    }

    /** Whether rows of the log are taken. Answers always are. */
    get flowing(): boolean {
        return !this.#stalled;
    }

    control(frame: string): void {
        this.#outbox.control(frame);
        this.#soil();
    }

    push(item: Outgoing, owner: Reader): void {
        this.#outbox.push(item, owner);
        this.#soil();
    }

    flush(): void {
        this.#dirty = false;
        if (this.#stalled || this.#outbox.length === 0) return;
        const { stalled, givenBack } = this.#outbox.flush();
        if (stalled) this.#stall(givenBack);
    }

    /** The transport says that some of what had piled up is gone. */
    drained(): void {
        if (!this.#stalled) return;
        if (!this.#outbox.drained()) {
            if (this.#wire.bufferedBytes() < this.#leftBytes) this.#watch();
            return;
        }
        this.#recover();
        this.flush();
        if (this.flowing) this.#ports.onResumed();
    }

    /** No timer is left. */
    stop(): void {
        if (this.#stalled) this.#recover();
    }

    #soil(): void {
        if (this.#dirty || this.#stalled) return;
        this.#dirty = true;
        this.#ports.onDirty();
    }

    #stall(givenBack: number): void {
        const { connection, observe } = this.#ports;
        this.#stalled = true;
        observe({ type: 'socket.slow', connection, slow: true });
        observe({ type: 'socket.dropped', connection, reason: 'slow', frames: givenBack });
        this.#watch();
    }

    #recover(): void {
        const { connection, observe } = this.#ports;
        this.#stalled = false;
        this.#cancelDeadline();
        observe({ type: 'socket.slow', connection, slow: false });
    }

    /** Progress is looked at when the deadline comes, as not every transport tells of each byte. */
    #watch(): void {
        this.#cancelDeadline();
        this.#leftBytes = this.#wire.bufferedBytes();
        this.#cancelDeadline = this.#ports.clock.after(this.#ports.settings.stallDeadlineMs, () => {
            if (this.#wire.bufferedBytes() < this.#leftBytes) this.#watch();
            else this.#ports.onHopeless();
        });
    }
}

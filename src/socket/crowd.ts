/** Whether one connection more is let in at all: by how many there are, and by how late this process is with its work. */

import { TidingsError } from '../errors.ts';
import { LoopLag } from './loop-lag.ts';
import type { SocketSettings } from './settings.ts';

/** Why not. Whoever is told comes again after a time of their own, so that not all come at once. */
export type Crowding = {
    readonly reason: 'too_many_connections' | 'lagging';
    readonly message: string;
    readonly retryAfterMs: number;
};

/** What a crowd is judged by. */
export type CrowdPorts = {
    /** Sockets and streams there are. */
    readonly count: () => number;
    readonly settings: Pick<SocketSettings, 'wsMaxConnections' | 'wsMaxLagMs'>;
    readonly random: () => number;
};

const LEAST_RETRY_MS = 1000;
const RETRY_SPREAD_MS = 5000;

/** One per process. */
export class Crowd {
    readonly #ports: CrowdPorts;
    readonly #lag = new LoopLag();
    #waiting = 0;

    constructor(ports: CrowdPorts) {
        this.#ports = ports;
    }

    /** To be called every `TICK_MS`. */
    tick(nowMs: number): void {
        this.#lag.tick(nowMs);
    }

    /** Null: come in. */
    crowding(): Crowding | null {
        const { count, settings, random } = this.#ports;
        const { wsMaxConnections: most, wsMaxLagMs: mostLagMs } = settings;
        const retryAfterMs = LEAST_RETRY_MS + Math.round(random() * RETRY_SPREAD_MS);
        if (most !== null && count() + this.#waiting >= most) {
            const message = `expected fewer than ${most} connections on this server, got one more`;
            return { reason: 'too_many_connections', message, retryAfterMs };
        }
        if (mostLagMs === null || this.#lag.ms <= mostLagMs) return null;
        return { reason: 'lagging', message: 'expected a server with time for one more connection', retryAfterMs };
    }

    /** @throws TidingsError `unavailable` if there is no room */
    refuse(): void {
        const crowding = this.crowding();
        if (crowding === null) return;
        throw new TidingsError('unavailable', crowding.message, { retryAfterMs: crowding.retryAfterMs });
    }

    /** Counts one that is no connection of ours until what is answered is called. */
    enter(): () => void {
        this.#waiting += 1;
        return () => {
            this.#waiting -= 1;
        };
    }
}

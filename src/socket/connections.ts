/** Everything that is open to a client of this process: flushed once a turn, closed when silent, ended together. */

import type { Observe } from '../observe.ts';
import { CLOSE, type CloseCode } from '../protocol/index.ts';
import type { Clock } from './clock.ts';

/** A socket, or a stream of server-sent events. */
export type Connection = {
    /** When the peer was last heard from. */
    readonly heardMs: number;
    /** Bytes the peer has not taken yet. */
    readonly bufferedBytes: number;
    /** Hands over what was said this turn. */
    flush(): void;
    /** Sends what is left and closes. */
    close(code: CloseCode, reason: string): void;
};

/** The registry. */
export type Connections = {
    add(connection: Connection): void;
    delete(connection: Connection): void;
    /** Has `flush` called at the end of this turn. */
    soil(connection: Connection): void;
    count(): number;
    /** Closes those not heard from for `silentMs`. */
    sweep(silentMs: number): void;
    /** Closes all with 1001 and a random `retryAfterMs`, in batches over `overMs`; one that has not yet read all waits to the last. */
    closeAll(overMs: number): Promise<void>;
};

/** What a registry works with. */
export type ConnectionsPorts = { readonly clock: Clock; readonly random: () => number; readonly observe: Observe };

/** Batches in which all are closed. */
const CLOSE_STEPS = 20;
const LONGEST_RETRY_MS = 5000;

/** Makes an empty registry. */
export function createConnections({ clock, random, observe }: ConnectionsPorts): Connections {
    const all = new Set<Connection>();
    let dirty: Connection[] = [];

    function soil(connection: Connection): void {
        dirty.push(connection);
        if (dirty.length === 1) clock.atTurnEnd(flush);
    }

    function flush(): void {
        const flushed = dirty;
        dirty = [];
        for (const connection of flushed) {
            try {
                connection.flush();
            } catch (error) {
                observe({ type: 'handler.failed', where: 'flush', error });
                connection.close(CLOSE.internal, 'internal');
            }
        }
    }

    function sweep(silentMs: number): void {
        const oldestMs = clock.nowMs() - silentMs;
        for (const connection of all)
            if (connection.heardMs < oldestMs) connection.close(CLOSE.tryAgainLater, 'silent');
    }

    async function closeAll(overMs: number): Promise<void> {
        const share = Math.ceil(all.size / CLOSE_STEPS);
        for (let step = 1; step < CLOSE_STEPS && all.size > 0; step += 1) {
            const ready = [...all].filter((connection) => connection.bufferedBytes === 0);
            for (const connection of ready.slice(0, share)) goAway(connection);
            if (all.size > 0) await pause(overMs / CLOSE_STEPS);
        }
        for (const connection of all) goAway(connection);
    }

    function goAway(connection: Connection): void {
        const retryAfterMs = Math.round(random() * LONGEST_RETRY_MS);
        connection.close(CLOSE.goingAway, JSON.stringify({ retryAfterMs }));
    }

    function pause(delayMs: number): Promise<void> {
        return new Promise((resolve) => void clock.after(delayMs, resolve));
    }

    return {
        add: (connection) => void all.add(connection),
        delete: (connection) => void all.delete(connection),
        soil,
        count: () => all.size,
        sweep,
        closeAll,
    };
}

/** One proxied connection: two pipes between a client and the target, which can be held up, emptied into a hole, or reset. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How slow: a wait before each chunk, and bytes per second of each direction of a connection. */
export type Speed = { readonly delayMs?: number; readonly bytesPerSecond?: number };

/** What pipes share with their proxy. */
export type PipesOptions = {
    readonly totals: { forwardedBytes: number; droppedBytes: number };
    readonly speed: () => Speed | null;
};

/** Both directions of one connection. */
export type Pipes = {
    blackHole(on: boolean): void;
    /** Ends both sides with RST. */
    reset(): void;
    /** Resolves when both sides are gone. */
    readonly ended: Promise<void>;
};

/** Connects to the target, as soon as no hole hinders, and forwards. */
export function createPipes(
    client: Socket,
    target: { readonly host: string; readonly port: number },
    { totals, speed }: PipesOptions,
): Pipes {
    let hole = false;
    /** Something was lost: the two sides will never understand each other again. */
    let dead = false;
    let upstream: Socket | undefined;
    let closeHole: () => void = () => undefined;
    let holeClosed: Promise<void> = Promise.resolve();
    const clientClosed = new Promise<void>((resolve) => void client.once('close', () => resolve()));

    function reset(): void {
        dead = true;
        client.resetAndDestroy();
        upstream?.resetAndDestroy();
        closeHole();
    }

    /** Whether what has come now is lost, and with it the connection. */
    function isLost(): boolean {
        dead ||= hole;
        return dead;
    }

    async function pump(from: Socket, to: Socket): Promise<void> {
        try {
            for await (const chunk of from as AsyncIterable<Buffer>) {
                if (!isLost()) await wait(chunk.length);
                if (isLost()) totals.droppedBytes += chunk.length;
                else await forward(chunk, to);
            }
            if (!isLost()) to.end();
        } catch {
            if (!isLost()) reset();
        }
    }

    async function forward(chunk: Buffer, to: Socket): Promise<void> {
        totals.forwardedBytes += chunk.length;
        if (!to.write(chunk)) await once(to, 'drain');
    }

    async function wait(bytes: number): Promise<void> {
        const { delayMs = 0, bytesPerSecond } = speed() ?? {};
        const ms = delayMs + (bytesPerSecond === undefined ? 0 : (bytes * 1000) / bytesPerSecond);
        if (ms > 0) await delay(ms, undefined, { ref: false });
    }

    async function run(): Promise<void> {
        // One that comes while the hole is open would send SYN after SYN: it is connected when one gets through.
        await Promise.race([holeClosed, clientClosed]);
        if (client.destroyed) return;
        upstream = connect({ ...target, noDelay: true, allowHalfOpen: true });
        upstream.unref();
        const upstreamClosed = once(upstream, 'close').catch(() => undefined);
        upstream.on('error', () => undefined);
        await Promise.all([pump(client, upstream), pump(upstream, client)]);
        await Promise.all([clientClosed, upstreamClosed]);
    }

    client.on('error', () => undefined);
    const pipes: Pipes = {
        blackHole(on) {
            if (on === hole) return;
            hole = on;
            if (on) {
                holeClosed = new Promise((resolve) => {
                    closeHole = resolve;
                });
            } else closeHole();
        },
        reset,
        ended: Promise.resolve().then(run),
    };
    return pipes;
}

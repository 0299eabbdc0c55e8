/** A TCP proxy on 127.0.0.1 between a server and its database, and what networks do to connections. */

import { createServer, type Socket } from 'node:net';
import { createPipes, type Pipes, type Speed } from './tcp-pipes.ts';

/** What has gone through, and what was done to it. */
export type ProxyCounts = {
    readonly accepted: number;
    readonly refused: number;
    readonly open: number;
    readonly forwardedBytes: number;
    readonly droppedBytes: number;
    /** Connections ended by `cut`. */
    readonly cut: number;
};

/** The proxy. Several faults may be on at once; none ends one that is on already. */
export type TcpProxy = {
    readonly port: number;
    /** A URL of the target, led through the proxy. */
    through(url: string): string;
    /** Resets every connection, on both sides; new ones are accepted unless `refuse` is on. Answers how many it met. */
    cut(): number;
    /** Resets new connections as they come. */
    refuse(on: boolean): void;
    /**
     * Half-open: what is sent either way is lost, an end too, and nobody is told. A connection that lost a byte or an end
     * stays dead when the hole closes, as one does that a firewall forgot; those made meanwhile hang until then.
     */
    blackHole(on: boolean): void;
    /** Each chunk waits so long, and so many bytes a second get through, either way; null: as fast as it goes. */
    slow(speed: Speed | null): void;
    readonly counts: ProxyCounts;
    /** Ends everything. One that is forgotten keeps no process alive. */
    stop(): Promise<void>;
};

/** Starts a proxy to the host and port of a URL. */
export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
    const { hostname, port: targetPort } = new URL(targetUrl);
    const open = new Set<Pipes>();
    const totals = { accepted: 0, refused: 0, cut: 0, forwardedBytes: 0, droppedBytes: 0 };
    let refusing = false;
    let hole = false;
    let speed: Speed | null = null;

    function accept(client: Socket): void {
        client.unref();
        if (refusing) {
            totals.refused += 1;
            client.on('error', () => undefined).resetAndDestroy();
            return;
        }
        totals.accepted += 1;
        const pipes = createPipes(client, { host: hostname, port: Number(targetPort) }, { totals, speed: () => speed });
        open.add(pipes);
        void pipes.ended.then(() => open.delete(pipes));
        pipes.blackHole(hole);
    }

    function endAll(): number {
        const met = [...open];
        for (const pipes of met) pipes.reset();
        return met.length;
    }

    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    server.unref();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError(`expected a port, got ${address}`);
    const { port } = address;
    return {
        port,
        through(url) {
            const led = new URL(url);
            led.hostname = '127.0.0.1';
            led.port = String(port);
            return led.href;
        },
        cut() {
            const met = endAll();
            totals.cut += met;
            return met;
        },
        refuse(on) {
            refusing = on;
        },
        blackHole(on) {
            hole = on;
            for (const pipes of open) pipes.blackHole(on);
        },
        slow(to) {
            speed = to;
        },
        get counts() {
            return { ...totals, open: open.size };
        },
        async stop() {
            const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
            endAll();
            await closed;
        },
    };
}

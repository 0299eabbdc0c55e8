/** A well-behaved client beside the attackers: how long it waits for its events and its answers. */

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import WebSocket from 'ws';

/** What was waited, in ms, in the order it was. */
export type Waits = { readonly eventMs: number[]; readonly pongMs: number[] };

/** A client at work. */
export type Healthy = {
    /** Where what is measured from now on is put. */
    into(waits: Waits): void;
    /** What was not as it should be. */
    readonly complaints: string[];
    stop(): Promise<void>;
};

/** Whose own topic the events are on; nobody else acts as them. */
export const HEALTHY_USER = 'healthy';

const EVERY_MS = 50;
const PATIENCE_MS = 10_000;

type Frame = { readonly type: string; readonly ref?: string; readonly data?: { readonly n: number } };

/** Connects, and asks and waits for an event in turn. `sql` writes the events. */
export async function startHealthy(port: number, token: string, sql: Sql): Promise<Healthy> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['tidings.v1'], {
        headers: { authorization: `Bearer ${token}` },
    });
    const complaints: string[] = [];
    const stopping = new AbortController();
    let waits: Waits = { eventMs: [], pongMs: [] };
    let arrived = new Map<string, number>();
    let check: () => void = () => undefined;
    socket.on('error', (error) => void complaints.push(`the healthy client: ${error.message}`));
    socket.on('close', (code) => {
        if (!stopping.signal.aborted) complaints.push(`the healthy client was closed with ${code}`);
    });
    socket.on('message', (text) => {
        const { type, ref, data } = JSON.parse(String(text)) as Frame;
        arrived.set(`${type} ${ref ?? data?.n ?? ''}`, performance.now());
        check();
    });
    await once(socket, 'open');
    const welcomed = await arrival('welcome ');
    if (welcomed === null) throw new Error('expected the healthy client to be welcomed');

    /** When a frame came; null if it didn't. */
    function arrival(name: string): Promise<number | null> {
        return new Promise((resolve) => {
            const timer = setTimeout(() => resolve(null), PATIENCE_MS);
            check = () => {
                const atMs = arrived.get(name);
                if (atMs === undefined) return;
                clearTimeout(timer);
                resolve(atMs);
            };
            check();
        });
    }

    async function ask(n: number): Promise<void> {
        const begunMs = performance.now();
        socket.send(JSON.stringify({ type: 'ping', ref: `${n}` }));
        const atMs = await arrival(`pong ${n}`);
        if (atMs === null) complaints.push(`the healthy client had no pong ${n} within ${PATIENCE_MS} ms`);
        else waits.pongMs.push(atMs - begunMs);
    }

    async function write(n: number): Promise<void> {
        await sql`select tidings.emit(${`user:${HEALTHY_USER}`}, 'fuzz.probe', jsonb_build_object('n', ${n}::int))`;
        const committedMs = performance.now();
        const atMs = await arrival(`event ${n}`);
        if (atMs === null) complaints.push(`the healthy client had no event ${n} within ${PATIENCE_MS} ms`);
        else waits.eventMs.push(Math.max(0, atMs - committedMs));
    }

    async function work(): Promise<void> {
        for (let n = 0; !stopping.signal.aborted && complaints.length === 0; n += 1) {
            arrived = new Map();
            await ask(n);
            await write(n);
            await delay(EVERY_MS);
        }
    }

    const working = work();
    return {
        complaints,
        into(next) {
            waits = next;
        },
        async stop() {
            stopping.abort();
            await working;
            socket.close();
        },
    };
}

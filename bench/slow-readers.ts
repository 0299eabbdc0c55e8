/**
 * What do 200 stalled readers of a busy topic cost? The server's memory before, with and after them, and how late the healthy
 * readers of the same topic are, beside the same without stalled ones. A stalled reader takes just enough not to be closed
 * as hopeless. Healthy and stalled readers are a process each, on the same cores as the server and PostgreSQL.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Sql } from 'postgres';
import { signToken } from '../src/auth/index.ts';
import { startCluster } from './cluster.ts';
import { at } from './quantile.ts';
import { RawSocket, seqOf } from './raw-socket.ts';
import { checkFiles, SECRET, type ServerProcess, startServerProcess } from './server-process.ts';

const STALLED = 200;
const HEALTHY = 20;
const SECONDS = 300;
const BASELINE_SECONDS = 30;
const TOPIC = 'project:1';
/** 1 000 events a second, in 100 commits: capture is not what is asked about. */
const COMMITS_PER_SECOND = 100;
const EVENTS_PER_COMMIT = 10;
/** Twice in the time after which a silent peer is closed. */
const PING_EVERY_MS = 15_000;
/**
 * What a stalled reader takes in a minute: the kernel shows progress in steps of a third of its send buffer, which grows
 * to 4 MB, and without progress the server closes after a minute.
 */
const TRICKLE_BYTES = 512 * 1024;
const TRICKLE_EVERY_MS = 10_000;

export async function ask({
    seconds = SECONDS,
    clients = STALLED,
}: {
    seconds?: number;
    clients?: number;
} = {}): Promise<void> {
    await checkFiles(clients + 500);
    const cluster = await startCluster();
    const { sql, url } = cluster;
    await sql.unsafe(`create schema demo;
        create function demo.can_read(text, bigint) returns boolean language sql immutable return true;
        grant usage on schema demo to tidings_server;
        select tidings.topic_kind('project', 'demo.can_read(text, bigint)');`);
    const server = await startServerProcess(url);
    const children: ChildProcess[] = [];
    try {
        const healthy = await startReaders(children, 'healthy', server.port, HEALTHY);
        const writer = write(sql);
        await measure('alone', Math.min(BASELINE_SECONDS, seconds), server, healthy);
        const stalled = await startReaders(children, 'stalled', server.port, clients);
        await measure(`${clients} stalled`, seconds, server, healthy);
        await measure(`${clients} stalled, on`, Math.min(BASELINE_SECONDS, seconds), server, healthy);
        const { closed, taken } = await reportOf<{ closed: number; taken: number }>(stalled);
        console.log(
            `stalled readers took ${(taken / 2 ** 20).toFixed(0)} MB in all; ${closed} were closed by the server`,
        );
        stalled.kill();
        await measure('they left', Math.min(BASELINE_SECONDS, seconds), server, healthy);
        console.log(`${await writer.stop()} events written`);
    } finally {
        for (const child of children) child.kill();
        await server.stop();
        await cluster.stop();
    }
}

/** Watches memory for a while, and asks the healthy how late they were. */
async function measure(name: string, seconds: number, server: ServerProcess, healthy: ChildProcess): Promise<void> {
    const beforeMb = await server.rssMb();
    let mostMb = beforeMb;
    let kernelMb = 0;
    await reportOf(healthy);
    const endMs = performance.now() + seconds * 1000;
    while (performance.now() < endMs) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        mostMb = Math.max(mostMb, await server.rssMb());
        kernelMb = Math.max(kernelMb, await kernelSocketsMb());
    }
    const { lateMs, events, holes } = await reportOf<Lateness>(healthy);
    console.log(
        name.padEnd(18),
        `${seconds} s  RSS before ${beforeMb.toFixed(0)} MB, most ${mostMb.toFixed(0)}, after ${(await server.rssMb()).toFixed(0)};`,
        `kernel's TCP buffers, both ends, most ${kernelMb.toFixed(0)} MB; ${HEALTHY} healthy: ${events} frames,`,
        ...[0.5, 0.99, 1].map((p) => `p${p * 100} ${at(lateMs, p).toFixed(1)} ms`),
        `holes ${holes}`,
    );
}

/** Memory in TCP buffers of the machine. */
async function kernelSocketsMb(): Promise<number> {
    const pages = /^TCP: .* mem (\d+)$/m.exec(await readFile('/proc/net/sockstat', 'utf8'))?.[1];
    return (Number(pages) * 4096) / 2 ** 20;
}

/** Each event says when its statement was sent, by the clock all processes here share. */
function write(sql: Sql): { stop(): Promise<number> } {
    let stopped = false;
    const startedMs = performance.now();
    async function loop(): Promise<number> {
        let commits = 0;
        for (; !stopped; commits += 1) {
            await sql`
                select tidings.emit(${TOPIC}, 'thing.happened', jsonb_build_object('t', ${Date.now()}::float8, 'title', repeat('x', 120)))
                from generate_series(1, ${EVENTS_PER_COMMIT})`;
            const dueMs = startedMs + ((commits + 1) * 1000) / COMMITS_PER_SECOND;
            await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
        }
        return commits * EVENTS_PER_COMMIT;
    }
    const done = loop();
    return {
        async stop() {
            stopped = true;
            return await done;
        },
    };
}

async function startReaders(
    children: ChildProcess[],
    kind: string,
    port: number,
    count: number,
): Promise<ChildProcess> {
    const child = fork(fileURLToPath(import.meta.url), [kind, String(port), String(count)]);
    children.push(child);
    const [ready] = await once(child, 'message');
    if (ready !== 'ready') throw new Error(`expected the ${kind} readers to be ready, got ${ready}`);
    return child;
}

async function reportOf<T>(child: ChildProcess): Promise<T> {
    child.send('report');
    const [report] = await once(child, 'message');
    return report as T;
}

/** A process of readers: says `ready` when all have joined, and reports when asked. */
async function runReaders(port: number, count: number, make: MakeReader, report: () => unknown): Promise<void> {
    const token = await signToken(SECRET, '42', 24 * 3_600_000);
    for (let n = 0; n < count; n += 1) await new Promise<void>((joined) => make(port, token, joined));
    process.on('message', () => process.send?.(report()));
    process.send?.('ready');
}

type MakeReader = (port: number, token: string, joined: () => void) => void;
type Lateness = { readonly lateMs: readonly number[]; readonly events: number; readonly holes: number };

async function runHealthy(port: number, count: number): Promise<void> {
    let lateMs: number[] = [];
    let holes = 0;
    function make(port: number, token: string, joined: () => void): void {
        let last: number | null = null;
        const reader = new RawSocket({
            port,
            token,
            onOpen: () => reader.say({ type: 'subscribe', topic: TOPIC }),
            onText: (text) => {
                const seq = seqOf(text);
                if (seq === null) {
                    if (text.startsWith('{"type":"subscribed"')) joined();
                    return;
                }
                if (last !== null && seq !== last + 1) holes += 1;
                last = seq;
                lateMs.push(Date.now() - Number.parseFloat(/"t": ?([\d.]+)/.exec(text)?.[1] ?? ''));
            },
            onEnd: () => process.exit(1),
        });
    }
    function report(): Lateness {
        const sorted = lateMs.toSorted((a, b) => a - b);
        lateMs = [];
        const steps = 10_000;
        const few = sorted.length > steps ? Array.from({ length: steps + 1 }, (_, n) => at(sorted, n / steps)) : sorted;
        return { lateMs: few, events: sorted.length, holes };
    }
    await runReaders(port, count, make, report);
}

async function runStalled(port: number, count: number): Promise<void> {
    let [closed, taken] = [0, 0];
    function make(port: number, token: string, joined: () => void): void {
        const reader = new RawSocket({
            port,
            token,
            onOpen: () => reader.say({ type: 'subscribe', topic: TOPIC }),
            onText: (text) => {
                if (!text.startsWith('{"type":"subscribed"')) return;
                reader.socket.pause();
                joined();
            },
            onEnd: () => {
                closed += 1;
                clearInterval(pinging);
                clearInterval(trickling);
                make(port, token, () => undefined);
            },
        });
        const { socket } = reader;
        const pinging = setInterval(() => reader.ping(), PING_EVERY_MS);
        let upto = Number.POSITIVE_INFINITY;
        socket.on('data', () => {
            if (socket.bytesRead < upto) return;
            taken += TRICKLE_BYTES;
            upto = Number.POSITIVE_INFINITY;
            socket.pause();
        });
        const trickling = setInterval(() => {
            upto = socket.bytesRead + TRICKLE_BYTES;
            socket.resume();
        }, TRICKLE_EVERY_MS);
    }
    await runReaders(port, count, make, () => ({ closed, taken }));
}

const [, , kind, port, count] = process.argv;
if (kind === 'healthy') await runHealthy(Number(port), Number(count));
if (kind === 'stalled') await runStalled(Number(port), Number(count));

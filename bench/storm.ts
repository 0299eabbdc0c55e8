/**
 * Thousands of clients lose their connection at once and come back with `since`: how many queries does that cost, and how
 * long until each is live again? Once with all they missed in the ring, once with a server that has just started and must
 * read the log. A writer goes on meanwhile. The clients are one other process, on the same cores as the server and PostgreSQL.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Sql } from 'postgres';
import { startCluster } from './cluster.ts';
import { at } from './quantile.ts';
import { checkFiles, type ServerProcess, startServerProcess } from './server-process.ts';
import { countStatements, LOGGED } from './statements.ts';
import type { Orders, Place, Report } from './storm-clients.ts';

const CLIENTS = 5000;
const TOPICS = 20;
const EVENTS_PER_TOPIC = 2000;
const WRITES_PER_SECOND = 10;
const DEADLINE_MS = 120_000;

export async function ask({ clients = CLIENTS }: { readonly clients?: number } = {}): Promise<void> {
    await checkFiles(clients + 500);
    const cluster = await startCluster(LOGGED);
    const { sql, url } = cluster;
    await sql.unsafe(`create schema demo;
        create function demo.can_read(text, bigint) returns boolean language sql immutable return true;
        grant usage on schema demo to tidings_server;
        select tidings.topic_kind('project', 'demo.can_read(text, bigint)');`);
    let server = await startServerProcess(url);
    try {
        await fill(sql);
        console.log(
            'missed events are       topics   live p50     p99     max   pin queries   log reads   events   not resumed   holes   RSS',
        );
        for (const [where, topics] of [
            ['in the ring', TOPICS],
            ['in the ring', 1],
            ['in the log only', TOPICS],
            ['in the log only', 1],
        ] as const) {
            if (where === 'in the log only') {
                await server.stop();
                server = await startServerProcess(url);
            }
            await storm(where, topics, clients, { sql, server, dataDir: cluster.dataDir });
        }
    } finally {
        await server.stop();
        await cluster.stop();
    }
}

type Scene = { readonly sql: Sql; readonly server: ServerProcess; readonly dataDir: string };

async function storm(where: string, topics: number, clients: number, { sql, server, dataDir }: Scene): Promise<void> {
    const child = fork(fileURLToPath(new URL('./storm-clients.js', import.meta.url)));
    try {
        const places = await placesOf(sql, topics);
        child.send({ port: server.port, clients, places } satisfies Orders);
        await messageOf(child, 'ready');
        const statements = await countStatements(dataDir);
        child.send('go');
        const writer = write(sql, topics);
        const report = await messageOf<Report>(child, 'report');
        const asked = await statements();
        await writer.stop();
        child.send(await placesOf(sql, topics));
        const { holes } = await messageOf<Report>(child, 'report');
        console.log(
            where.padEnd(22),
            String(topics).padStart(7),
            ...[0.5, 0.99, 1].map((p) => `${Math.round(at(report.liveMs, p))} ms`.padStart(10)),
            String(asked.pins).padStart(10),
            String(asked.reads).padStart(11),
            String(report.events).padStart(11),
            String(clients - report.resumed).padStart(10),
            String(holes).padStart(10),
            `${Math.round(await server.rssMb())} MB`.padStart(9),
        );
    } finally {
        child.kill();
    }
}

/** Writes until stopped; each write is one event of one of the topics. */
function write(sql: Sql, topics: number): { stop(): Promise<void> } {
    let stopped = false;
    const startedMs = performance.now();
    async function loop(): Promise<void> {
        for (let n = 0; !stopped; n += 1) {
            await sql`select tidings.emit(${`project:${1 + (n % topics)}`}, 'thing.happened', ${sql.json({ id: n })})`;
            const dueMs = startedMs + ((n + 1) * 1000) / WRITES_PER_SECOND;
            await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
        }
    }
    const done = loop();
    return {
        async stop() {
            stopped = true;
            await done;
            await numbered(sql);
        },
    };
}

async function fill(sql: Sql): Promise<void> {
    await sql`
        select count(tidings.emit('project:' || 1 + g % ${TOPICS}, 'thing.happened', jsonb_build_object('id', g, 'title', repeat('x', 120))))
        from generate_series(1, ${TOPICS * EVENTS_PER_TOPIC}) g`;
    await numbered(sql);
}

/** Waits until every event has its place. */
async function numbered(sql: Sql): Promise<void> {
    for (;;) {
        const [row] =
            await sql`select (select count(*) from tidings.event) = (select count(*) from tidings.stream) as done`;
        if (row?.['done']) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

async function placesOf(sql: Sql, topics: number): Promise<Place[]> {
    const rows = await sql<{ topic: string; position: string }[]>`
        select t as topic, tidings.position(t) as position
        from (select 'project:' || g as t from generate_series(1, ${topics}) g) t`;
    return rows.map(({ topic, position }) => {
        const [epoch = '', head] = position.split(':');
        return { topic, epoch, head: Number(head) };
    });
}

function messageOf<T = unknown>(child: ChildProcess, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`expected the clients' ${what} in time`)), DEADLINE_MS);
        const failed = () => reject(new Error(`expected the clients' ${what}, got their end`));
        child.once('exit', failed);
        child.once('message', (message) => {
            clearTimeout(timer);
            child.off('exit', failed);
            resolve(message as T);
        });
    });
}

/** From commit to socket: how long after a writer's commit does a browser have the event? Idle, and at 500 writes a second. */

import WebSocket from 'ws';
import { signToken } from '../src/auth/index.ts';
import { loadConfig } from '../src/config.ts';
import { startServer } from '../src/main.ts';
import { startCluster } from './cluster.ts';

const SECRET = 'x'.repeat(32);

/** One load: `everyMs` between writes, `count` of them. */
const LOADS = [
    { name: 'idle (4 writes/s)', everyMs: 250, count: 200 },
    { name: '500 writes/s', everyMs: 2, count: 5000 },
] as const;

export async function ask(): Promise<void> {
    const cluster = await startCluster();
    const { sql } = cluster;
    await sql.unsafe(`create schema demo;
        create table demo.task (id int primary key, project_id int not null, title text);
        insert into demo.task select g, 1, 'x' from generate_series(1, 64) g;
        create function demo.can_read(text, bigint) returns boolean language sql immutable return true;
        grant usage on schema demo to tidings_server;
        select tidings.topic_kind('project', 'demo.can_read(text, bigint)');
        select tidings.track('demo.task', entity => 'task', topic => $$'project:' || r.project_id$$);`);
    const server = await startServer(
        loadConfig({ DATABASE_URL: cluster.url, JWT_SECRET: SECRET, PORT: '0', LOG_LEVEL: 'error' }),
    );
    const socket = await subscribe(server.url);
    for (const load of LOADS) {
        const times = await measure(load, socket, async (n) => {
            await sql`update demo.task set title = ${`t${n}`} where id = ${1 + (n % 64)}`;
        });
        console.log(
            load.name.padEnd(20),
            `n ${times.length}`,
            ...[0.5, 0.95, 0.99].map((p) => ` p${p * 100} ${at(times, p)} ms`),
        );
    }
    socket.close();
    await server.stop();
    await cluster.stop();
}

const at = (sorted: readonly number[], p: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN).toFixed(2);

async function subscribe(url: string): Promise<WebSocket> {
    const token = await signToken(SECRET, '42', 3_600_000);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['tidings.v1', `bearer.${token}`]);
    const subscribed = new Promise<void>((resolve) => {
        socket.on('message', function listen(frame) {
            if (String(frame).includes('"subscribed"')) {
                socket.off('message', listen);
                resolve();
            }
        });
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('{"type":"subscribe","topic":"project:1"}');
    await subscribed;
    return socket;
}

/** Times from the answer to a commit, as the writer has it, to the event's frame, both in this process and on one clock. */
async function measure(
    { everyMs, count }: { readonly everyMs: number; readonly count: number },
    socket: WebSocket,
    write: (n: number) => Promise<void>,
): Promise<number[]> {
    const committed = new Map<string, number>();
    const arrived = new Map<string, number>();
    const done = new Promise<void>((resolve) => {
        socket.on('message', function listen(frame) {
            const title = /"title": ?"(t\d+)"/.exec(String(frame))?.[1];
            if (title === undefined) return;
            arrived.set(title, performance.now());
            if (arrived.size === count) {
                socket.off('message', listen);
                resolve();
            }
        });
    });
    const writes: Promise<void>[] = [];
    const startedMs = performance.now();
    for (let n = 0; n < count; n += 1) {
        const due = startedMs + n * everyMs;
        while (performance.now() < due)
            await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
        writes.push(write(n).then(() => void committed.set(`t${n}`, performance.now())));
    }
    await Promise.all(writes);
    await done;
    return [...arrived].map(([title, ms]) => ms - (committed.get(title) ?? Number.NaN)).sort((a, b) => a - b);
}

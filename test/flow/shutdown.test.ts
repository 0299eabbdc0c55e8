import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { killServerProcesses, startServerProcess } from '../support/server-process.ts';
import { closeSockets, connectSocket, type SocketClient } from '../support/socket-client.ts';

const TOPIC = `project:${WEBSITE}`;

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
});
afterEach(async () => {
    killServerProcesses();
    await closeSockets();
});
afterAll(() => database.close());

function emit(event: string): PromiseLike<unknown> {
    return sql`select tidings.emit(${TOPIC}, ${event})`;
}

/** Commits an event; answers how long it took to arrive. */
async function msToDeliver(reader: SocketClient, event: string): Promise<number> {
    const startedMs = performance.now();
    await emit(event);
    return reader.arrivedAtMs(await reader.next({ type: 'event', event })) - startedMs;
}

/** The database session that holds the wake lock: its server runs by the clock, and no writer rings. */
async function wakeLockHolder(): Promise<unknown> {
    const [row] = await sql`
        select l.pid from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
        where l.locktype = 'advisory' and l.mode = 'ExclusiveLock' and l.granted
    `;
    return row?.['pid'];
}

/** The seqs of the topic's events, which must go up by one. */
function seqsOf(reader: SocketClient): readonly number[] {
    return reader.frames.filter((frame) => frame['type'] === 'event').map((frame) => Number(frame['seq']));
}

test('at SIGTERM every open socket is told to come back, each at its own time, and the program ends with 0', async () => {
    const server = await startServerProcess(database.url);
    const joined = Array.from({ length: 12 }, () => server.join(USERS.bob, TOPIC));
    const silent = connectSocket(server.url);
    const readers = [...(await Promise.all(joined)), await silent];
    const askedMs = performance.now();
    const ended = server.end('SIGTERM');
    const endings = await Promise.all(readers.map((reader) => reader.ended(10_000)));
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - askedMs).toBeLessThan(10_000);
    expect(endings.map(({ code }) => code)).toEqual(endings.map(() => 1001));
    const reasons = endings.map(({ reason }) => JSON.parse(reason) as { retryAfterMs: number });
    expect(reasons).toEqual(reasons.map(() => ({ retryAfterMs: expect.any(Number) })));
    expect(Math.min(...reasons.map(({ retryAfterMs }) => retryAfterMs))).toBeGreaterThanOrEqual(0);
    expect(new Set(reasons.map(({ retryAfterMs }) => retryAfterMs)).size).toBeGreaterThan(1);
    await expect(connectSocket(server.url)).rejects.toThrow('ECONNREFUSED');
});

/** Writes one event after the other until it is stopped; then answers how many. */
function startWriter(): { stop(): Promise<number> } {
    let writing = true;
    async function write(): Promise<number> {
        let written = 0;
        for (; writing; written += 1) await emit('test.written');
        return written;
    }
    const done = write();
    return {
        stop() {
            writing = false;
            return done;
        },
    };
}

test('when the server that numbers is killed, the other goes on within 2 s and nothing is missing', async () => {
    const holder = await startServerProcess(database.url);
    const first = await holder.join(USERS.ada, TOPIC);
    // Under load the first server goes awake and holds the wake lock; the second then finds it taken.
    const writer = startWriter();
    try {
        await first.next(() => seqsOf(first).length > 150);
        const pid = await wakeLockHolder();
        expect(pid).toEqual(expect.any(Number));
        const survivor = await startServerProcess(database.url);
        const reader = await survivor.join(USERS.bob, TOPIC);
        await reader.next({ type: 'event', event: 'test.written' });
        expect(await wakeLockHolder()).toBe(pid);

        expect(await holder.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
        expect(await msToDeliver(reader, 'test.committed_after')).toBeLessThan(2000);
        const written = await writer.stop();
        expect(await msToDeliver(reader, 'test.last')).toBeLessThan(2000);

        const seqs = seqsOf(reader);
        expect(seqs).toEqual(seqs.map((_, n) => (seqs[0] ?? 0) + n));
        const [committed] = await sql`
            select count(*)::int as events, (count(*) filter (where e.event = 'test.written'))::int as written
            from tidings.event e where e.topic = ${TOPIC}
        `;
        expect(committed).toEqual({ events: seqs.at(-1), written });
        expect(await survivor.end('SIGTERM')).toEqual({ code: 0, signal: null });
    } finally {
        await writer.stop();
    }
}, 40_000);

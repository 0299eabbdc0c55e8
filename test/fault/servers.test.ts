/** Three servers on one database: whatever befalls the one that sequences, another does it within a second. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, recoveryMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

/** A server, its own way to the database, and a reader that lives on it. */
type Node = { readonly server: ServerProcess; readonly proxy: TcpProxy };

/** The time from the fault to the next event on the readers of the other servers is said; this is when it is too long. */
const MOST_MS = 4000;

let database: TestDatabase;
const nodes: Node[] = [];
let readers: Reader[];
let writers: Writers;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    for (let n = 0; n < 3; n += 1) {
        const proxy = await startTcpProxy(database.url);
        const env = { EXAMPLE: 'false', LOG_LEVEL: 'debug' };
        nodes.push({ proxy, server: await startServerProcess(proxy.through(database.url), { env }) });
    }
});

afterAll(async () => {
    await Promise.all(nodes.map(({ server }) => server.end('SIGTERM')));
    killServerProcesses();
    await Promise.all(nodes.map(({ proxy }) => proxy.stop()));
    await database.close();
});

beforeEach(async () => {
    readers = await Promise.all(nodes.map(({ server }, n) => startReader(`reader-${n}`, urlsFrom(n, server.url))));
    writers = startWriters(database.url, { perSecond: 300 });
    await writers.more(100);
});

afterEach(async () => {
    await writers.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

/** A reader's own server first, then the others. */
function urlsFrom(place: number, own: string): string[] {
    return [own, ...nodes.filter((_, n) => n !== place).map(({ server }) => server.url)];
}

/** Which server holds the wake lock; all have said so at one time or other, the one that holds it said so last. */
async function holder(): Promise<number> {
    for (const lastMs = performance.now() + 15_000; performance.now() < lastMs; await delay(20)) {
        const [locks] = await database.sql<{ held: number }[]>`
            select count(*)::int as held from pg_locks l
            where l.locktype = 'advisory' and l.classid = 1953064289 and l.objid = 1 and l.granted
                and l.database = (select oid from pg_database where datname = current_database())`;
        const awake = nodes.findIndex(({ server }) => lastState(server) === 'awake');
        if (awake >= 0 && locks?.held === 1) return awake;
    }
    throw new Error('expected a server to be awake within 15 s, got none');
}

const lastState = (server: ServerProcess) =>
    server.logged().findLast((line) => line['type'] === 'sequencer.state')?.['state'];

/** Does it to the server that sequences; answers how long the others' readers went without. */
async function strike(fault: (node: Node) => void): Promise<{ struck: number; recoveredMs: number; atMs: number }> {
    const struck = await holder();
    const node = nodes[struck];
    if (node === undefined) throw new TypeError(`expected a node, got none at ${struck}`);
    const atMs = performance.now();
    fault(node);
    await writers.more(300);
    const others = readers.filter((_, n) => n !== struck);
    const lastMs = atMs + 20_000;
    while (!Number.isFinite(recoveryMs(atMs, writers, others)) && performance.now() < lastMs) await delay(20);
    return { struck, recoveredMs: recoveryMs(atMs, writers, others), atMs };
}

describe('the sequencer moves when its holder', () => {
    test('has its connections cut', async () => {
        const { recoveredMs } = await strike(({ proxy }) => {
            expect(proxy.cut()).toBeGreaterThan(3);
        });
        const figures = await settle(database.sql, writers, readers);
        report('holder cut', figures, { recoveryMs: Math.round(recoveredMs) });
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        expect(recoveredMs).toBeLessThan(MOST_MS);
    }, 60_000);

    test('is cut off silently, its wake lock with it', async () => {
        const { struck, recoveredMs, atMs } = await strike(({ proxy }) => proxy.blackHole(true));
        await delay(Math.max(0, atMs + 4000 - performance.now()));
        const worst = latenciesMs(
            writers,
            readers.filter((_, n) => n !== struck),
        );
        nodes[struck]?.proxy.blackHole(false);
        const figures = await settle(database.sql, writers, readers);
        expect(nodes[struck]?.proxy.counts.droppedBytes).toBeGreaterThan(0);
        report('holder in a black hole', figures, {
            recoveryMs: Math.round(recoveredMs),
            latencyMaxMs: Math.round(worst.max),
        });
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        expect(recoveredMs).toBeLessThan(MOST_MS);
    }, 60_000);

    test('is frozen by SIGSTOP: the others go on, and its own readers lose nothing when it thaws', async () => {
        const { struck, recoveredMs, atMs } = await strike(({ server }) => server.freeze());
        await delay(Math.max(0, atMs + 3000 - performance.now()));
        const frozen = readers[struck];
        const before = frozen?.accounts.get('room:1')?.cursor ?? 0;
        const worst = latenciesMs(
            writers,
            readers.filter((_, n) => n !== struck),
        );
        await delay(200);
        expect(frozen?.accounts.get('room:1')?.cursor).toBe(before);
        nodes[struck]?.server.thaw();
        const figures = await settle(database.sql, writers, readers);
        report('holder frozen', figures, {
            recoveryMs: Math.round(recoveredMs),
            latencyMaxMs: Math.round(worst.max),
        });
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
        expect(recoveredMs).toBeLessThan(MOST_MS);
    }, 60_000);

    test('is killed by SIGKILL in the middle of a batch: its readers resume elsewhere', async () => {
        const { struck, recoveredMs } = await strike(({ server }) => void server.end('SIGKILL'));
        const figures = await settle(database.sql, writers, readers);
        report('holder killed', figures, { recoveryMs: Math.round(recoveredMs) });
        expect(readers[struck]?.reconnects).toBe(1);
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 1 });
        expect(recoveredMs).toBeLessThan(MOST_MS);
    }, 60_000);
});

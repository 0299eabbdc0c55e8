/** Every server is replaced, one after the other, while others write and read: nobody loses anything, nobody reloads. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

const SERVERS = 3;
/** Of each server. */
const READERS = process.env['FAULT_LONG'] ? 200 : 6;

let database: TestDatabase;
const servers: ServerProcess[] = [];
let readers: Reader[] = [];
let writers: Writers | undefined;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    for (let n = 0; n < SERVERS; n += 1) servers.push(await start(await freePort()));
});

afterEach(async () => {
    await writers?.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

afterAll(async () => {
    await Promise.all(servers.map((server) => server.end('SIGTERM')));
    killServerProcesses();
    await database.close();
});

/** Known beforehand: a port that was picked while listening can't be had again for a minute. */
async function freePort(): Promise<string> {
    const listening = createServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const { port } = listening.address() as AddressInfo;
    listening.close();
    await once(listening, 'close');
    return String(port);
}

function start(port: string): Promise<ServerProcess> {
    return startServerProcess(database.url, { env: { EXAMPLE: 'false', PORT: port } });
}

test(`a rolling restart of ${SERVERS} servers with ${READERS} readers each`, { timeout: 120_000 }, async () => {
    const urls = servers.map(({ url }) => url);
    readers = await Promise.all(
        Array.from({ length: SERVERS * READERS }, (_, n) => {
            const own = n % SERVERS;
            return startReader(`reader-${n}`, [...urls.slice(own), ...urls.slice(0, own)]);
        }),
    );
    writers = startWriters(database.url, { perSecond: 60 });
    await writers.more(60);
    const stopsMs: number[] = [];
    for (const [n, server] of servers.entries()) {
        const askedMs = performance.now();
        expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
        stopsMs.push(Math.round(performance.now() - askedMs));
        servers[n] = await start(new URL(server.url).port);
        await writers.more(60);
    }
    const figures = await settle(database.sql, writers, readers);
    const { p50, max } = latenciesMs(writers, readers);
    report('rolling restart', figures, {
        stopsMs: stopsMs.join('/'),
        latencyP50Ms: Math.round(p50),
        latencyMaxMs: Math.round(max),
    });
    expect(figures).toMatchObject({ unknown: 0, resets: 0 });
    // Whoever was on a server left it once at least; those that went to one not yet restarted, more often.
    expect(readers.filter(({ reconnects }) => reconnects === 0)).toEqual([]);
    expect(Math.max(...stopsMs)).toBeLessThan(9500);
});

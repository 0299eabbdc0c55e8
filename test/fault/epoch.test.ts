/** Another epoch: begun by hand, and found by the sequencer because the database is another one than it was. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type OwnCluster, startOwnCluster } from '../support/own-cluster.ts';
import { killServerProcesses, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms, ROOMS } from './rooms.ts';
import { report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

let cluster: OwnCluster;
let servers: ServerProcess[];
let readers: Reader[] = [];
let writers: Writers | undefined;

beforeAll(async () => {
    cluster = await startOwnCluster();
    await declareRooms(cluster.sql);
    const env = { EXAMPLE: 'false' };
    servers = [await startServerProcess(cluster.url, { env }), await startServerProcess(cluster.url, { env })];
}, 120_000);

afterAll(async () => {
    await Promise.all((servers ?? []).map((server) => server.end('SIGTERM')));
    killServerProcesses();
    await cluster.remove();
});

afterEach(async () => {
    await writers?.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

async function begin(): Promise<Writers> {
    readers = await Promise.all(servers.map(({ url }, n) => startReader(`user-${n}`, [url])));
    writers = startWriters(cluster.url, { perSecond: 200 });
    await writers.more(100);
    return writers;
}

const epochOf = async () => {
    const [row] = await cluster.sql<{ epoch: string }[]>`select r.epoch from tidings.run r order by r.run desc limit 1`;
    return row?.epoch;
};

/** Every reader was told of this epoch, on every topic, by a reset. */
function told(epoch: string | undefined): void {
    for (const { accounts } of readers) {
        for (const topic of ROOMS) {
            expect(accounts.get(topic)?.epoch).toBe(epoch);
            expect(accounts.get(topic)?.resets.map(({ reason }) => reason)).toContain('epoch');
        }
    }
}

test('new_epoch() under load: every live reader gets a reset and all that comes after it', async () => {
    const writing = await begin();
    const before = await epochOf();
    await cluster.sql`select tidings.new_epoch()`;
    await writing.more(150);
    const figures = await settle(cluster.sql, writing, readers);
    expect(await epochOf()).not.toBe(before);
    told(await epochOf());
    report('new_epoch()', figures);
    expect(figures.resets).toBe(readers.length * ROOMS.length);
}, 60_000);

test.each([
    ['system identifier', `system_identifier = system_identifier - 1`],
    ['timeline', `timeline = '000000FF'`],
])(
    'a restart shows another %s than the log was numbered under',
    async (what, change) => {
        const writing = await begin();
        const before = await epochOf();
        // As a copy of the data in another cluster, or a standby that was promoted, has it.
        await cluster.sql.begin(async (tx) => {
            await tx`lock table tidings.runner in exclusive mode`;
            await tx.unsafe(`
            update tidings.run set ${change}, postmaster_started_at = postmaster_started_at - interval '1 day'
            where run = (select max(run) from tidings.run)`);
        });
        await writing.more(150);
        const figures = await settle(cluster.sql, writing, readers);
        expect(await epochOf()).not.toBe(before);
        told(await epochOf());
        report(`another ${what}`, figures);
        expect(figures.resets).toBe(readers.length * ROOMS.length);
    },
    60_000,
);

test('who was away meanwhile is told to reload, wherever it comes back', async () => {
    const writing = await begin();
    await cluster.crash();
    await cluster.start();
    for (const reader of readers) reader.vanish();
    await cluster.sql`select tidings.new_epoch()`.catch(() => cluster.sql`select tidings.new_epoch()`);
    await writing.more(100);
    const figures = await settle(cluster.sql, writing, readers);
    for (const { accounts } of readers) {
        for (const topic of ROOMS) expect(accounts.get(topic)?.epoch).toBe(await epochOf());
    }
    report('epoch while away', figures);
    expect(figures.resets).toBeGreaterThanOrEqual(readers.length * ROOMS.length);
}, 60_000);

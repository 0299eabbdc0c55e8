/** NOTIFY by a role that may only connect: reads are bounded, payloads are read by nobody, and what is forged reaches no client. See also test/fault/rings.test.ts. */

import { setTimeout as delay } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { type Server, startServer } from '../../src/main.ts';
import type { Observation } from '../../src/observe.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { clientOf, testEnvironment } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';

let database: TestDatabase;
let forger: Sql;
let server: Server;
let role: string;
const seen: Observation[] = [];

beforeAll(async () => {
    database = await openDatabase();
    role = `${database.name}_forger`;
    await database.sql.unsafe(`create role ${role}`);
    // Also for the session that listens.
    forger = postgres(database.url, { max: 1, onnotice: () => {}, connection: { role } as object });
    const config = loadConfig({ ...testEnvironment(database.url), EXAMPLE: 'false' });
    server = await startServer(config, (observation) => void seen.push(observation));
});

afterAll(async () => {
    await closeSockets();
    await server.stop();
    await forger.end({ timeout: 1 });
    await database.sql.unsafe(`drop role ${role}`);
    await database.close();
});

const count = (type: Observation['type'], from: number) => seen.slice(from).filter((one) => one.type === type).length;

const FORGED = [
    '',
    '9223372036854775807',
    '-1',
    '{"type":"event","topic":"user:ann","seq":1,"event":"task.created","data":{}}',
    '\u001b[2J\u009b31m\u202e',
    `'; drop table tidings.event; --`,
    '\r\n\r\n',
    '👩🏽‍🚀',
    'x'.repeat(7900),
];

test('a flood of every payload costs a bounded number of reads, delays no event by much, and is seen by nobody', async () => {
    const client = await clientOf(server.url).join('ann');
    const from = seen.length;
    const memoryBefore = process.memoryUsage().rss;
    const startedMs = performance.now();
    let sent = 0;
    let told = 0;
    const waits: number[] = [];
    while (performance.now() - startedMs < 3000) {
        // Each text is another, as a transaction sends the same one once; of the long ones only a few, as the queue is everyone's.
        await forger`select pg_notify(c, left(p || n, 7999)) from generate_series(1, 100) n,
            unnest('{tidings_wake,tidings_stream}'::text[]) c, unnest(${FORGED}::text[]) with ordinality p (p, i)
            where n <= 5 or i < 9`;
        sent += 2 * (8 * 100 + 5);
        const sentMs = performance.now();
        told += 1;
        await database.sql`select tidings.emit('user:ann', 'test.told', ${database.sql.json({ told })})`;
        await client.next((frame) => frame['event'] === 'test.told' && Object(frame['data'])['told'] === told, 4000);
        waits.push(performance.now() - sentMs);
        await delay(Math.max(0, startedMs + sent / 10 - performance.now()));
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const figures = {
        sent,
        perSecond: Math.round(sent / seconds),
        readsPerSecond: Math.round(count('tail.read', from) / seconds),
        runsPerSecond: Math.round(count('sequencer.ran', from) / seconds),
        heard: count('doorbell.rang', from),
        told,
        waitMaxMs: Math.round(Math.max(...waits)),
        grownMiB: Math.round((process.memoryUsage().rss - memoryBefore) / 2 ** 20),
    };
    console.info('forged rings', figures);
    expect(figures.sent).toBeGreaterThan(5_000);
    // One run and one read for each turn of each loop, whoever rings: never one for each ring.
    expect(figures.readsPerSecond + figures.runsPerSecond).toBeLessThan(1500);
    expect((figures.readsPerSecond + figures.runsPerSecond) * seconds).toBeLessThan(sent / 2);
    expect(figures.waitMaxMs).toBeLessThan(4000);
    expect(figures.grownMiB).toBeLessThan(300);
    expect(client.frames.filter(({ type }) => type === 'event').map(({ event }) => event)).toEqual(
        Array.from({ length: told }, () => 'test.told'),
    );
    expect(seen.slice(from).filter(({ type }) => /failed|epoch/.test(type))).toEqual([]);
    expect(JSON.stringify(seen.slice(from))).not.toMatch(/drop table|9223372036854775807/);
}, 60_000);

test('LISTEN by a stranger shows no more than that the log has grown', async () => {
    const heard: string[] = [];
    for (const channel of ['tidings_stream', 'tidings_wake'])
        await forger.listen(channel, (payload) => void heard.push(payload));
    await database.sql`select tidings.emit('user:ann', 'secret.told', '{"word":"xyzzy"}')`;
    const endMs = performance.now() + 5000;
    while (heard.length === 0 && performance.now() < endMs) await delay(20);
    expect(heard.length).toBeGreaterThan(0);
    for (const payload of heard) expect(payload).toMatch(/^\d*$/);
});

/** Transactions held open: those beside them are delivered at once, they themselves when they commit. */

import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inDatabase } from '../support/cluster.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, report, settle } from './verdict.ts';
import { startWriters } from './writers.ts';

/** A minute where there is time for it. */
const HELD_MS = process.env['FAULT_LONG'] ? 60_000 : 4000;

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
    database = await openDatabase();
    await declareRooms(database.sql);
    server = await startTestServer(database.url, { env: { EXAMPLE: 'false' } });
});

afterAll(async () => {
    await closeSockets();
    await server.stop();
    await database.close();
});

test('a writer, a reader of an old snapshot and a transaction elsewhere stay open meanwhile', async () => {
    const { sql } = database;
    const reader = await startReader('ann', [server.url]);
    const guest = await server.join('bob', 'room:9');
    const [writer, snapshot] = [await sql.reserve(), await sql.reserve()];
    await snapshot`begin isolation level repeatable read`;
    await snapshot`select count(*) from tidings.event`;
    await writer`begin`;
    await writer`select tidings.emit('room:9', 'test.held')`;
    const elsewhere = postgres(inDatabase(database.url, 'postgres'), { max: 1 });
    await elsewhere`begin`;
    await elsewhere`select pg_current_xact_id()`;
    const writers = startWriters(database.url, { perSecond: 100 });
    await delay(HELD_MS);
    await sql`select tidings.emit('room:9', 'test.beside')`;
    expect(await guest.next({ type: 'event', topic: 'room:9' })).toMatchObject({ seq: 1, event: 'test.beside' });
    const beside = latenciesMs(writers, [reader]);
    const committedMs = performance.now();
    await writer`commit`;
    const told = await guest.next({ type: 'event', topic: 'room:9' });
    expect(told).toMatchObject({ seq: 2, event: 'test.held' });
    await elsewhere.end({ timeout: 0 });
    await snapshot`rollback`;
    writer.release();
    snapshot.release();
    const figures = await settle(sql, writers, [reader]);
    report(`a transaction held open for ${HELD_MS / 1000} s`, figures, {
        besideP50Ms: Math.round(beside.p50),
        besideMaxMs: Math.round(beside.max),
        heldAfterItsCommitMs: Math.round(guest.arrivedAtMs(told) - committedMs),
    });
    await reader.stop();
    expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 0 });
    expect(beside.max).toBeLessThan(4000);
}, 120_000);

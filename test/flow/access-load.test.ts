/** Rights taken and given again while many write: judged by when each commit was asked for and when it had returned. */

import type { ReservedSql, Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createRandom } from '../support/random.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, type Frame, type SocketClient } from '../support/socket-client.ts';
import { seqsOf, unbroken } from './revocations.ts';

const TOPIC = `project:${WEBSITE}`;
const ROUNDS = 40;
const WRITERS = 4;

/** From when the revocation's commit had returned to when the grant's was asked for. */
type Revoked = { readonly fromMs: number; toMs: number };

let database: TestDatabase;
let sql: Sql;
let servers: readonly [TestServer, TestServer];
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    servers = [await startTestServer(database.url), await startTestServer(database.url)];
});
afterEach(closeSockets);
afterAll(async () => {
    for (const server of servers) await server.stop();
    await database.close();
});

/** Writes until told to stop, in transactions that stay open for a moment; answers when each commit was asked for, by title. */
async function write(session: ReservedSql, writer: number, random: () => number, goesOn: () => boolean) {
    const askedMs = new Map<string, number>();
    for (let n = 0; goesOn(); n += 1) {
        const titles = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, k) => `w${writer}-${n}-${k}`);
        await session`begin`;
        for (const [k, title] of titles.entries())
            await session`update app.tasks set title = ${title} where id = ${seededTask(1, 2 * writer + k + 1)}`;
        if (random() < 0.5) await session`select pg_sleep(${random() * 0.02})`;
        const nowMs = performance.now();
        for (const title of titles) askedMs.set(title, nowMs);
        await session`commit`;
    }
    return askedMs;
}

/** Takes bob's right and gives it again, once at once and once after a while. */
async function takeAndGive(random: () => number): Promise<Revoked> {
    const take = (on: Sql) =>
        on`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.bob}`;
    const give = (on: Sql) => on`insert into app.project_members values (${WEBSITE}, ${USERS.bob}, 'viewer')`;
    await sql.begin(async (tx) => {
        await take(tx as unknown as Sql);
        await give(tx as unknown as Sql);
    });
    await take(sql);
    const fromMs = performance.now();
    await sql`select pg_sleep(${random() * 0.04})`;
    const toMs = performance.now();
    await give(sql);
    await sql`select pg_sleep(${random() * 0.06})`;
    return { fromMs, toMs };
}

/** Comes back whenever it was thrown out, from where it was, until it is told to stop. */
async function keepReading(reader: SocketClient, epoch: unknown, goesOn: () => boolean): Promise<number> {
    let ends = 0;
    while (goesOn()) {
        const frame = await reader.next({ topic: TOPIC, type: 'unsubscribed' }, 100).catch(() => null);
        if (frame === null) continue;
        ends += 1;
        const since = seqsOf(reader, TOPIC).at(-1) ?? 0;
        for (let joined = false; !joined; ) {
            reader.send({ type: 'subscribe', topic: TOPIC, since, epoch });
            const answer = await reader.next(
                ({ type, topic }) => topic === TOPIC && (type === 'subscribed' || type === 'error'),
                10_000,
            );
            joined = answer['type'] === 'subscribed';
            if (joined) expect(answer).toMatchObject({ outcome: 'resumed' });
            else await sql`select pg_sleep(0.005)`;
        }
    }
    return ends;
}

function titleOf({ data }: Frame): string | undefined {
    return (data as { changes?: { title?: string } } | undefined)?.changes?.title;
}

test('while others write: nothing committed after it was taken reaches bob before it is given again, and nothing is lost', async () => {
    const random = createRandom(20261122);
    const bobs = await Promise.all(servers.map((server) => server.join(USERS.bob)));
    const epochs: unknown[] = [];
    for (const bob of bobs) {
        bob.send({ type: 'subscribe', topic: TOPIC });
        epochs.push((await bob.next({ type: 'subscribed' }))['epoch']);
    }
    const cyd = await servers[1].join(USERS.cyd, TOPIC);
    let goesOn = true;
    const sessions = await Promise.all(Array.from({ length: WRITERS }, () => sql.reserve()));
    const writing = sessions.map((session, n) => write(session, n, random, () => goesOn));
    const reading = bobs.map((bob, n) => keepReading(bob, epochs[n], () => goesOn));
    const revoked: Revoked[] = [];
    for (let round = 0; round < ROUNDS; round += 1) revoked.push(await takeAndGive(random));
    goesOn = false;
    const askedMs = new Map((await Promise.all(writing)).flatMap((asked) => [...asked]));
    for (const session of sessions) session.release();
    const ends = await Promise.all(reading);
    for (const bob of bobs)
        bob.send({ type: 'subscribe', topic: TOPIC, since: seqsOf(bob, TOPIC).at(-1), epoch: epochs[0] });
    await sql`select tidings.emit(${TOPIC}, 'test.marker')`;
    for (const reader of [...bobs, cyd]) await reader.next({ type: 'event', event: 'test.marker' }, 10_000);

    const leaks = bobs.flatMap((bob) =>
        bob.frames.filter((frame) => {
            const writtenMs = askedMs.get(titleOf(frame) ?? '');
            if (writtenMs === undefined) return false;
            return revoked.some(({ fromMs, toMs }) => writtenMs > fromMs && bob.arrivedAtMs(frame) < toMs);
        }),
    );
    expect(leaks).toEqual([]);
    const everything = new Set(seqsOf(cyd, TOPIC));
    for (const bob of bobs) {
        const seqs = [...new Set(seqsOf(bob, TOPIC))];
        expect(seqs).toEqual(unbroken(seqs));
        expect(new Set(seqs)).toEqual(everything);
    }
    // Else nothing was tried.
    expect(Math.min(...ends)).toBeGreaterThan(ROUNDS / 4);
    expect(askedMs.size).toBeGreaterThan(ROUNDS * 5);
    const during = [...askedMs.values()].filter((ms) => revoked.some(({ fromMs, toMs }) => ms > fromMs && ms < toMs));
    expect(during.length).toBeGreaterThan(ROUNDS);
    if (process.env['FIGURES']) console.log({ events: askedMs.size, during: during.length, ends, leaks: leaks.length });
}, 60_000);

/** A server that reads the stream from a streaming standby: live, resumed, behind, without its standby, and after a promotion. */

import { setTimeout as delay } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OwnCluster, startOwnCluster } from '../support/own-cluster.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, type SocketClient } from '../support/socket-client.ts';
import { type Standby, startStandby } from '../support/standby.ts';
import { type Reader, startReader } from './reader.ts';
import { declareRooms } from './rooms.ts';
import { latenciesMs, recoveryMs, report, settle } from './verdict.ts';
import { startWriters, type Writers } from './writers.ts';

let primary: OwnCluster;
let standby: Standby;
/** A superuser's connection to the standby. */
let replica: Sql;
let server: TestServer;
let readers: Reader[];
let writers: Writers | undefined;

beforeAll(async () => {
    primary = await startOwnCluster();
    await declareRooms(primary.sql);
    await primary.sql.unsafe(`
        create table public.guest (id text primary key);
        create function public.is_guest(user_id text, room text) returns boolean language sql stable
            return exists (select from public.guest g where g.id = user_id);
        grant select on public.guest to tidings_server;
        grant execute on function public.is_guest(text, text) to tidings_server;
        select tidings.topic_kind('den', 'public.is_guest(text, text)');
        insert into public.guest values ('gil');`);
    standby = await startStandby(primary);
    replica = postgres(standby.url, { max: 1, onnotice: () => undefined });
    server = await startTestServer(primary.url, { env: { EXAMPLE: 'false', STREAM_DATABASE_URL: standby.url } });
}, 120_000);

afterAll(async () => {
    await server?.stop();
    await replica?.end({ timeout: 1 });
    await standby?.remove();
    await primary.remove();
});

beforeEach(async () => {
    writers = undefined;
    readers = [await startReader('ann', [server.url])];
});

afterEach(async () => {
    await closeSockets();
    await writers?.stop();
    await Promise.all(readers.map((reader) => reader.stop()));
});

const emit = (topic: string, event: string) => primary.sql`select tidings.emit(${topic}, ${event})`;

/** Lets the standby receive and not replay; what is written meanwhile is behind. */
async function whileBehind(work: () => Promise<void>): Promise<void> {
    await replica`select pg_wal_replay_pause()`;
    try {
        await work();
    } finally {
        await replica`select pg_wal_replay_resume()`;
    }
}

async function headOf(topic: string): Promise<number> {
    const [row] = await primary.sql<{ head: string }[]>`
        select coalesce(max(s.seq), 0)::text as head from tidings.stream s where s.topic = ${topic}`;
    return Number(row?.head);
}

/** Resolves when the primary has numbered so far. */
async function numbered(topic: string, seq: number): Promise<void> {
    for (const lastMs = performance.now() + 10_000; (await headOf(topic)) < seq; await delay(10)) {
        if (performance.now() > lastMs) throw new Error(`expected ${topic} to be numbered up to ${seq}, got less`);
    }
}

const seqs = (client: SocketClient, topic: string) =>
    client.frames.filter((frame) => frame['type'] === 'event' && frame['topic'] === topic).map((frame) => frame['seq']);

describe('a server that tails a standby', () => {
    test('listens to no one there and delivers all the same, in order', async () => {
        writers = startWriters(primary.url, { perSecond: 100 });
        await writers.more(200);
        const [session] = await replica`select pg_is_in_recovery() as recovering, count(*)::int as tails
            from pg_stat_activity where application_name = 'tidings tail'`;
        expect(session).toEqual({ recovering: true, tails: 1 });
        const figures = await settle(primary.sql, writers, readers);
        const { p50, max } = latenciesMs(writers, readers);
        report('standby, healthy', figures, { latencyP50Ms: Math.round(p50), latencyMaxMs: Math.round(max) });
        expect(figures).toMatchObject({ repeated: 0, resets: 0, reconnects: 0 });
    }, 60_000);

    test('that is behind: says how far, and a subscription pinned ahead of it gets what comes after, once', async () => {
        const from = await headOf('room:9');
        await emit('room:9', 'test.old');
        await numbered('room:9', from + 1);
        await whileBehind(async () => {
            await emit('room:9', 'test.unseen');
            await emit('room:9', 'test.unseen');
            await numbered('room:9', from + 3);
            await server.observed((seen) => seen['type'] === 'tail.lag' && Number(seen['events']) >= 2);
            const fresh = await server.join('bob');
            fresh.send({ type: 'subscribe', topic: 'room:9' });
            const pinned = await fresh.next({ type: 'subscribed' });
            expect(pinned).toMatchObject({ seq: from + 3, outcome: 'live' });
            const { epoch } = pinned;
            // Above this tail's head, below the primary's: replayed from the primary.
            const back = await server.join('cat');
            back.send({ type: 'subscribe', topic: 'room:9', since: from + 2, epoch });
            expect(await back.next({ type: 'subscribed' })).toMatchObject({ seq: from + 3, outcome: 'resumed' });
            await back.next({ type: 'event', seq: from + 3 });
            const startedMs = performance.now();
            const beyond = await server.join('dan');
            beyond.send({ type: 'subscribe', topic: 'room:9', since: from + 50, epoch });
            expect(await beyond.next({ type: 'subscribed' }, 8000)).toMatchObject({ outcome: 'reset' });
            expect(performance.now() - startedMs).toBeLessThan(6500);
            await emit('room:9', 'test.new');
            await numbered('room:9', from + 4);
            await replica`select pg_wal_replay_resume()`;
            for (const client of [fresh, back, beyond]) await client.next({ type: 'event', event: 'test.new' });
            expect([fresh, back, beyond].map((client) => seqs(client, 'room:9'))).toEqual([
                [from + 4],
                [from + 3, from + 4],
                [from + 4],
            ]);
        });
        await server.observed((seen) => seen['type'] === 'tail.lag' && seen['events'] === 0);
    }, 60_000);

    test('that is behind a revocation: nothing committed after it gets through, and one given back loses nothing', async () => {
        const guest = await server.join('gil', 'den:1');
        await whileBehind(async () => {
            await emit('den:1', 'test.before');
            await primary.sql`delete from public.guest where id = 'gil'`;
            await primary.sql`select tidings.access_changed('gil', 'den:1')`;
            await emit('den:1', 'test.after');
            await numbered('den:1', 2);
        });
        expect(await guest.next({ type: 'unsubscribed' })).toMatchObject({ topic: 'den:1', reason: 'revoked' });
        expect(seqs(guest, 'den:1')).toEqual([1]);

        await primary.sql`insert into public.guest values ('gil')`;
        const again = await server.join('gil', 'den:1');
        await whileBehind(async () => {
            await primary.sql`delete from public.guest where id = 'gil'`;
            await primary.sql`select tidings.access_changed('gil', 'den:1')`;
            await primary.sql`insert into public.guest values ('gil')`;
            await primary.sql`select tidings.access_changed('gil', 'den:1')`;
            await emit('den:1', 'test.given_back');
            await numbered('den:1', 3);
        });
        expect(await again.next({ type: 'event', topic: 'den:1' })).toMatchObject({ seq: 3 });
        expect(again.frames.filter((frame) => ['unsubscribed', 'reset'].includes(String(frame['type'])))).toEqual([]);
    }, 60_000);

    test('that crashes under load: goes on where it was once the standby is back', async () => {
        writers = startWriters(primary.url, { perSecond: 200 });
        await writers.more(100);
        await standby.crash();
        await server.observed({ type: 'tail.failed' });
        await writers.more(200);
        await standby.start();
        const startedMs = performance.now();
        await writers.more(200);
        await delay(500);
        const figures = await settle(primary.sql, writers, readers);
        report('standby crashed', figures, { recoveryMs: Math.round(recoveryMs(startedMs, writers, readers)) });
        expect(figures).toMatchObject({ unknown: 0, repeated: 0, resets: 0, reconnects: 0 });
    }, 60_000);

    test('that is promoted with writes missing: another epoch, no stale resume', async () => {
        const onPrimary = await startTestServer(primary.url, { env: { EXAMPLE: 'false' } });
        const client = await onPrimary.join('eve', 'room:8');
        await standby.crash();
        await emit('room:8', 'test.missing');
        const { seq } = await client.next({ type: 'event', topic: 'room:8' });
        const { epoch } = client.frames.find((frame) => frame['type'] === 'subscribed') ?? {};
        await primary.crash();
        await standby.start();
        await replica`select pg_promote(true, 30)`;
        const promoted = await startTestServer(standby.url, { env: { EXAMPLE: 'false' } });
        try {
            const told = await promoted.join('eve');
            told.send({ type: 'subscribe', topic: 'room:8', since: seq, epoch });
            const answer = await told.next({ type: 'subscribed', topic: 'room:8' });
            expect(answer).toMatchObject({ outcome: 'reset', seq: 0 });
            expect(answer['epoch']).not.toBe(epoch);
            // The same place, another event: who had resumed would never have seen it.
            await replica`select tidings.emit('room:8', 'test.onward')`;
            expect(await told.next({ type: 'event', topic: 'room:8' })).toMatchObject({ seq, event: 'test.onward' });
        } finally {
            await closeSockets();
            await promoted.stop();
            await onPrimary.stop();
        }
    }, 60_000);
});

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Hub } from '../../src/fanout/index.ts';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, type Frame, type SocketClient } from '../support/socket-client.ts';

/** The hubs of the servers, in the order they were started: who reads a topic there is seen nowhere else. */
const hubs = vi.hoisted((): Hub[] => []);
vi.mock('../../src/fanout/index.ts', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/fanout/index.ts')>();
    return {
        ...original,
        createHub: (...options: Parameters<typeof original.createHub>) => {
            const hub = original.createHub(...options);
            hubs.push(hub);
            return hub;
        },
    };
});

afterEach(closeSockets);

describe('two servers on one database', () => {
    const topic = `project:${WEBSITE}`;
    let database: TestDatabase;
    let a: TestServer;
    let b: TestServer;
    beforeAll(async () => {
        database = await openDatabase({ example: true });
        hubs.length = 0;
        a = await startTestServer(database.url);
        b = await startTestServer(database.url);
    });
    afterAll(async () => {
        await a.stop();
        await b.stop();
        await database.close();
    });

    function rename(server: TestServer, title: string) {
        return server.call(USERS.cyd, 'PATCH', `/tasks/${seededTask(1, 1)}`, { body: { title } });
    }

    test('a socket on A: joined, delivered what was written through B, left', async () => {
        const [hub] = hubs;
        expect(hub?.readers(topic)).toBe(0);
        const reader = await a.join(USERS.bob, topic);
        expect(hub?.readers(topic)).toBe(1);

        await rename(b, 'Written through B');
        const told = await reader.next({ type: 'event', topic });
        expect(told).toMatchObject({ event: 'task.updated', data: { changes: { title: 'Written through B' } } });

        reader.send({ type: 'unsubscribe', topic });
        await reader.next({ type: 'unsubscribed', topic });
        expect(hub?.readers(topic)).toBe(0);
        await rename(b, 'Nobody reads this');
        await database.sql`select tidings.emit(${`user:${USERS.bob}`}, 'test.marker')`;
        expect(await reader.next()).toMatchObject({ event: 'test.marker' });
    });

    test('a socket that is closed, or that vanishes, leaves every topic at once', async () => {
        const [hub] = hubs;
        const topics = [topic, `user:${USERS.bob}`];
        const reader = await a.join(USERS.bob, topic);
        expect(topics.map((name) => hub?.readers(name))).toEqual([1, 1]);
        reader.vanish();
        await a.observed({ type: 'socket.closed', userId: USERS.bob, code: 1006 });
        expect(topics.map((name) => hub?.readers(name))).toEqual([0, 0]);
    });

    test('both deliver every write of either in the same order', async () => {
        const readers = [await a.join(USERS.bob, topic), await b.join(USERS.ada, topic)];
        const writes = Array.from({ length: 40 }, (_, n) => rename(n % 2 === 0 ? a : b, `Title ${n}`));
        await Promise.all(writes);
        await database.sql`select tidings.emit(${topic}, 'test.marker')`;
        const told = await Promise.all(
            readers.map(async (reader) => {
                await reader.next({ type: 'event', topic, event: 'test.marker' });
                return reader.frames.filter((frame) => frame['topic'] === topic && frame['type'] === 'event');
            }),
        );
        expect(told[0]).toHaveLength(41);
        expect(told[1]).toEqual(told[0]);
        const first = Number(told[0]?.[0]?.['seq']);
        expect(told[0]?.map((frame) => frame['seq'])).toEqual(Array.from({ length: 41 }, (_, n) => first + n));
        const versions = told[0]?.slice(0, -1).map((frame) => Number((frame['data'] as Frame)['version']));
        expect(versions).toEqual([...(versions ?? [])].sort((one, other) => one - other));
    });
});

test('with LISTEN=false, where nobody is rung, writes are delivered all the same', async () => {
    const database = await openDatabase();
    const server = await startTestServer(database.url, { env: { EXAMPLE: 'false', LISTEN: 'false' } });
    try {
        const reader = await server.join('zoe');
        const startedMs = performance.now();
        await database.sql`select tidings.emit('user:zoe', 'test.happened')`;
        const told = await reader.next({ type: 'event', event: 'test.happened' });
        expect(reader.arrivedAtMs(told) - startedMs).toBeLessThan(1000);
    } finally {
        await closeSockets();
        await server.stop();
        await database.close();
    }
});

describe('without the example, on tables of one’s own', () => {
    let database: TestDatabase;
    let sql: Sql;
    let server: TestServer;
    beforeAll(async () => {
        database = await openDatabase();
        sql = database.sql;
        await sql.unsafe(`
            create schema shop;
            create table shop.board (id bigint primary key, owner text not null);
            create table shop.card (id bigint primary key, board_id bigint not null references shop.board, label text, price numeric);
            create function shop.can_read_board(user_id text, board_id bigint) returns boolean language sql stable
                return exists (select from shop.board b where b.id = board_id and b.owner = user_id);
            grant usage on schema shop to tidings_server;
            grant select on shop.board to tidings_server;
            grant execute on function shop.can_read_board(text, bigint) to tidings_server;
            select tidings.topic_kind('board', 'shop.can_read_board(text, bigint)');
            select tidings.topic_kind('shelf', 'shop.can_read_board(text, bigint)');
            insert into shop.board values (1, 'zoe'), (2, 'zoe'), (9007199254740993, 'yan')`);
        // A card whose label says so can't be captured: its topic, or only its data, can't be told.
        await sql`
            select tidings.track('shop.card', entity => 'card',
                topic => $$'board:' || r.board_id / case when r.label = 'no topic' then 0 else 1 end$$,
                data => $$jsonb_build_object('id', r.id::text, 'share', 1 / case when r.label = 'no data' then 0 else 1 end)$$)
        `;
        server = await startTestServer(database.url, { env: { EXAMPLE: 'false' } });
    });
    afterAll(async () => {
        await server.stop();
        await database.close();
    });

    function marker(...topics: string[]): PromiseLike<unknown> {
        return sql`select tidings.emit(t, 'test.marker') from unnest(${topics}::text[]) t`;
    }

    /** The frames of a topic that came before its next marker, which is put there now. */
    async function untilMarker(reader: SocketClient, topic: string): Promise<readonly Frame[]> {
        const from = reader.frames.length;
        await marker(topic);
        const end = await reader.next({ type: 'event', topic, event: 'test.marker' });
        const frames = reader.frames.slice(from, reader.frames.indexOf(end));
        return frames.filter((frame) => frame['topic'] === topic);
    }

    /** The position a reader of a topic would come back with. */
    async function positionOf(topic: string): Promise<{ seq: number; epoch: string }> {
        const reader = await server.join('zoe');
        reader.send({ type: 'subscribe', topic });
        const { seq, epoch } = await reader.next({ type: 'subscribed', topic });
        await reader.close();
        return { seq: Number(seq), epoch: String(epoch) };
    }

    async function outcomeOf(topic: string, { seq, epoch }: { seq: number; epoch: string }): Promise<Frame> {
        const reader = await server.join('zoe');
        reader.send({ type: 'subscribe', topic, since: seq, epoch });
        return await reader.next({ type: 'subscribed', topic });
    }

    test('writes reach who may read, 64-bit ids and all', async () => {
        const board = 'board:9007199254740993';
        const reader = await server.join('yan', board);
        await sql`insert into shop.card values (9223372036854775807, 9007199254740993, 'far', 1.10)`;
        expect(await reader.next({ type: 'event', topic: board })).toMatchObject({
            event: 'card.created',
            data: { id: '9223372036854775807', share: 1 },
        });
        const zoe = await server.join('zoe');
        for (const topic of [board, 'board:01', 'board:+1', 'board:1.0', 'board:9223372036854775808', 'board:one']) {
            zoe.send({ type: 'subscribe', topic });
            expect(await zoe.next()).toMatchObject({ type: 'error', code: 'forbidden', topic });
        }
        expect(await server.call('zoe', 'GET', '/projects')).toMatchObject({ status: 404 });
        expect(await server.call(null, 'GET', '/readyz')).toMatchObject({ status: 200 });
    });

    test('a write that can’t be captured commits, and its topic alone gets reset within a second', async () => {
        const [one, other] = [await server.join('zoe', 'board:1'), await server.join('zoe', 'board:2')];
        const [before, untouched] = [await positionOf('board:1'), await positionOf('board:2')];
        const startedMs = performance.now();
        await sql`insert into shop.card values (11, 1, 'no data')`;
        const reset = await one.next({ type: 'reset', topic: 'board:1' });
        expect(one.arrivedAtMs(reset) - startedMs).toBeLessThan(1000);
        expect(reset).toEqual({
            type: 'reset',
            topic: 'board:1',
            seq: before.seq + 1,
            epoch: before.epoch,
            reason: 'capture_error',
        });
        expect(await sql`select label from shop.card where id = 11`).toEqual([{ label: 'no data' }]);
        expect(await sql`select topics, sqlstate from tidings.capture_error`).toEqual([
            { topics: ['board:1'], sqlstate: '22012' },
        ]);
        expect(await untilMarker(other, 'board:2')).toEqual([]);
        await sql`insert into shop.card values (12, 1, 'fine')`;
        expect(await one.next({ type: 'event', topic: 'board:1' })).toMatchObject({
            seq: before.seq + 2,
            event: 'card.created',
        });
        expect(await outcomeOf('board:1', before)).toMatchObject({ outcome: 'reset', seq: before.seq + 2 });
        expect(await outcomeOf('board:1', { ...before, seq: before.seq + 1 })).toMatchObject({ outcome: 'resumed' });
        expect(await outcomeOf('board:2', untouched)).toMatchObject({ outcome: 'resumed' });
    });

    test('if the topic can’t be told either, every topic of the kind gets reset, and no other', async () => {
        await marker('board:1', 'board:2', 'shelf:1');
        const topics = ['board:1', 'board:2', 'shelf:1'];
        const reader = await server.join('zoe', ...topics);
        const before = await Promise.all(topics.map(positionOf));
        const startedMs = performance.now();
        await sql.begin(async (tx) => {
            await tx`insert into shop.card values (21, 1, 'no topic')`;
            await tx`insert into shop.card values (22, 2, 'in the same transaction')`;
        });
        for (const topic of topics.slice(0, 2)) {
            const reset = await reader.next((frame) => frame['type'] === 'reset' && frame['topic'] === topic);
            expect(reader.arrivedAtMs(reset) - startedMs).toBeLessThan(1000);
            expect(reset['reason']).toBe('capture_error');
        }
        expect(await sql`select id from shop.card where id in (21, 22) order by id`).toEqual([
            { id: '21' },
            { id: '22' },
        ]);
        expect(await untilMarker(reader, 'shelf:1')).toEqual([]);
        await marker('board:1', 'board:2');
        const ends = topics.slice(0, 2).map((topic) => reader.next({ topic, type: 'event', event: 'test.marker' }));
        expect((await Promise.all(ends)).map((frame) => frame['seq'])).toEqual([
            (before[0]?.seq ?? 0) + 1,
            (before[1]?.seq ?? 0) + 2,
        ]);
        const outcomes = await Promise.all(
            topics.map((topic, n) => outcomeOf(topic, before[n] ?? { seq: 0, epoch: '' })),
        );
        expect(outcomes.map((answer) => answer['outcome'])).toEqual(['reset', 'reset', 'resumed']);
        const now = await positionOf('board:1');
        expect(await outcomeOf('board:1', now)).toMatchObject({ outcome: 'resumed', seq: now.seq });
    });
});

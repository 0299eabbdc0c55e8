/** What servers call now and then: days made ahead, heads flushed. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { sequenceAll, streamLines } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
});

afterAll(() => database.close());

const dayOf = (daysAhead: number) =>
    new Date(Date.now() + daysAhead * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
const create = async (days?: number) =>
    (
        await (days === undefined
            ? sql`select tidings.create_partitions() as made`
            : sql`select tidings.create_partitions(${days}) as made`)
    )[0]?.['made'];
const partitionsOf = async (table: string) =>
    (
        await sql`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = ${table}::regclass order by 1`
    ).map((row) => row['name']);

describe('create_partitions', () => {
    test('has made yesterday to 14 days ahead, and makes nothing twice', async () => {
        await create();
        expect(await create()).toBe(0);
        const days = Array.from({ length: 16 }, (_, n) => dayOf(n - 1));
        expect(await partitionsOf('tidings.event')).toEqual([...days.map((day) => `event_${day}`), 'event_default']);
        expect(await partitionsOf('tidings.stream')).toEqual([...days.map((day) => `stream_${day}`), 'stream_default']);
    });

    test('leaves only that day out whose rows are in the default partition', async () => {
        const day = dayOf(17);
        await sql`insert into tidings.event (at, topic, event, data) values (${`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)} 12:00+00`}, 'demo:1', 'note.made', '{}')`;
        expect(await create(18)).toBe(7);
        expect(await partitionsOf('tidings.event')).not.toContain(`event_${day}`);
        expect(await partitionsOf('tidings.event')).toContain(`event_${dayOf(18)}`);
        expect(await sql`select to_regclass(${`tidings.event_${day}`}) as left_over`).toEqual([{ left_over: null }]);
        expect(await create(18)).toBe(0);
        await sequenceAll(sql);
        expect(await streamLines(sql)).toEqual(['demo:1 1 note.made']);
    });

    test('waits for nobody who holds the log, and makes the day later', async () => {
        const holder = await sql.reserve();
        await holder.unsafe(
            'begin; lock table tidings.event in row exclusive mode; lock table tidings.event_default in row exclusive mode',
        );
        const begun = performance.now();
        const made = await create(19);
        expect(performance.now() - begun).toBeLessThan(1500);
        await holder`rollback`;
        holder.release();
        expect([made, await create(19)]).toEqual([1, 1]);
    });

    test('moves the horizon on, never back', async () => {
        const horizon = sql`to_timestamp(pg_sequence_last_value('tidings.horizon'))`;
        await sql`alter sequence tidings.horizon restart`;
        await create();
        expect(await sql`select ${horizon} = date_trunc('day', now(), 'UTC') - interval '2 days' as moved`).toEqual([
            { moved: true },
        ]);
        await sql`select setval('tidings.horizon', extract(epoch from now() + interval '1 day')::bigint)`;
        await create();
        expect(await sql`select ${horizon} > now() as ahead`).toEqual([{ ahead: true }]);
        await sql`select tidings.emit('demo:2', 'note.made')`;
        expect(
            await sql`select at > now() + interval '23 hours' as ahead from tidings.event where topic = 'demo:2'`,
        ).toEqual([{ ahead: true }]);
        await sql`alter sequence tidings.horizon restart`;
    });
});

describe('flush_heads', () => {
    const flush = async () => (await sql`select tidings.flush_heads() as moved`)[0]?.['moved'];
    const heads = async () => [
        ...(await sql`select topic, seq::int, floor::int from tidings.topic_head where topic like 'flush:%' order by 1`),
    ];

    test('brings heads up to the stream, each topic once, and says how many moved', async () => {
        await sequenceAll(sql);
        await flush();
        await sql`select tidings.emit('flush:' || g % 2, 'note.made') from generate_series(1, 5) g`;
        await sequenceAll(sql);
        expect(await flush()).toBe(2);
        expect(await flush()).toBe(0);
        expect(await heads()).toEqual([
            { topic: 'flush:0', seq: 2, floor: 0 },
            { topic: 'flush:1', seq: 3, floor: 0 },
        ]);
    });

    test('keeps a floor, and lets a topic go on where it was', async () => {
        await sql`update tidings.topic_head set floor = 3 where topic = 'flush:1'`;
        await sql`select tidings.emit('flush:1', 'note.made')`;
        await sequenceAll(sql);
        await flush();
        expect((await heads())[1]).toEqual({ topic: 'flush:1', seq: 4, floor: 3 });
        expect(await sql`select tidings.head('flush:1')::int as head`).toEqual([{ head: 4 }]);
    });

    test('leaves the last hundred rows of state', async () => {
        for (let n = 0; n < 60; n += 1) {
            await sql`select tidings.emit('flush:0', 'note.made')`;
            await sequenceAll(sql);
        }
        await sql`select tidings.emit('flush:0', 'note.made')`;
        await sequenceAll(sql);
        await flush();
        const [row] = await sql`select count(*)::int as n, (max(run) - min(run))::int as span from tidings.run`;
        expect(row?.['span']).toBeLessThanOrEqual(100);
    });
});

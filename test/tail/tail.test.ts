/** The tail against the real stream: everything after its cursor, once, in order, whatever happens to the connection. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/event.ts';
import { createStreamPort } from '../../src/tail/stream-port.ts';
import { createTail, type Tail } from '../../src/tail/tail.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createSignal, type Signal } from '../support/signal.ts';

let database: TestDatabase;
let tail: Tail;
let signal: Signal;
let seen: LoggedEvent[];
let epochs: string[];

beforeEach(async () => {
    database = await openDatabase();
    signal = createSignal();
    seen = [];
    epochs = [];
});

afterEach(async () => {
    await tail.stop();
    await database.close();
});

async function start(options: { fallbackMs?: number; pageSize?: number } = {}): Promise<void> {
    const observe = () => undefined;
    tail = createTail({
        ...createStreamPort(database.url, observe),
        ...options,
        observe,
        onBatch: ({ events }) => {
            seen.push(...events);
            signal.poke();
        },
        onEpoch: (epoch) => {
            epochs.push(epoch);
            signal.poke();
        },
    });
    await tail.start();
}

async function publish(count: number): Promise<void> {
    await database.sql`select tidings.emit('demo:1', 'note.made', jsonb_build_object('n', g)) from generate_series(1, ${count}) g`;
    await database.sql`select tidings.sequence()`;
}

const seenAll = (count: number) =>
    signal.until(() => (seen.length >= count ? seen.map(({ seq }) => seq) : undefined), `${count} events`);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

describe('a tail', () => {
    test('hands on what is numbered after it started, and nothing older', async () => {
        await publish(3);
        await start();
        await publish(2);
        tail.wake();
        expect(await seenAll(2)).toEqual([4, 5]);
        expect(tail.gseq).toBe(5);
    });

    test('carries the payload as PostgreSQL made it', async () => {
        await start();
        await database.sql`select tidings.emit('demo:1', 'note.made', '{"n": 12345678901234567890, "text": "é\\u0001"}')`;
        await database.sql`select tidings.sequence()`;
        tail.wake();
        await seenAll(1);
        expect(seen[0]).toEqual({
            gseq: 1,
            topic: 'demo:1',
            seq: 1,
            id: expect.stringMatching(/^\d+$/),
            event: 'note.made',
            at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
            actorId: null,
            data: '{"n": 12345678901234567890, "text": "é\\u0001"}',
            requestId: null,
            traceparent: null,
        });
    });

    test('reads page after page until one is short', async () => {
        await start({ pageSize: 7, fallbackMs: 60_000 });
        await publish(50);
        tail.wake();
        expect(await seenAll(50)).toEqual(upTo(50));
    });

    test('finds what nobody rang for within the fallback interval', async () => {
        await start({ fallbackMs: 50 });
        await publish(1);
        expect(await seenAll(1)).toEqual([1]);
    });

    test('goes on where it was when its connection is cut again and again', async () => {
        await start({ fallbackMs: 10 });
        let cuts = 0;
        for (let n = 1; n <= 10; n += 1) {
            const cut = await database.sql`select pg_terminate_backend(pid) from pg_stat_activity
                where application_name = 'tidings tail' and datname = current_database()`;
            cuts += cut.length;
            await publish(1);
            expect(await seenAll(n)).toEqual(upTo(n));
        }
        expect(cuts).toBeGreaterThanOrEqual(10);
    });

    test('says that the epoch is another, and goes on from its head', async () => {
        await start({ fallbackMs: 10 });
        const before = tail.epoch;
        await database.sql`select tidings.new_epoch()`;
        await signal.until(() => epochs[0], 'a new epoch');
        expect(epochs).toEqual([tail.epoch]);
        expect(tail.epoch).not.toBe(before);
        await publish(1);
        expect(await seenAll(1)).toEqual([1]);
    });

    test('is healthy only while reads succeed', async () => {
        await start();
        await expect(tail.check()).resolves.toBeUndefined();
        const idle = createTail({
            read: () => Promise.reject(new Error('down')),
            observe: () => undefined,
            onBatch: () => undefined,
            onEpoch: () => undefined,
            close: async () => undefined,
        });
        await expect(idle.check()).rejects.toThrow('expected the stream to have been read within 5000 ms, got no read');
    });
});

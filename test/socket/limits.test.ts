/** What a socket is told that asks too much, and what it costs the others: nothing. */

import { describe, expect, test } from 'vitest';
import { createBench } from './bench-of-sockets.ts';

const RATE = { count: 3, perMs: 1000 };

describe('messages above the rate', () => {
    test('are not handled, are answered with when to come again, and pass again then', async () => {
        const bench = createBench({ wsRate: RATE });
        const { wire, say } = bench.peer('ada');
        await bench.clock.settle();
        for (const ref of ['a', 'b', 'c', 'd']) await say({ type: 'ping', ref });
        expect(wire.frames.filter(({ type }) => type === 'pong')).toHaveLength(3);
        expect(wire.frames.at(-1)).toEqual({
            type: 'error',
            code: 'rate_limited',
            message: 'expected at most 3 messages in 1000 ms, got more',
            retryAfterMs: 334,
            ref: 'd',
        });
        await bench.clock.pass(334);
        await say({ type: 'ping', ref: 'd' });
        expect(wire.frames.at(-1)).toEqual({ type: 'pong', ref: 'd' });
        expect(wire.closed).toBeNull();
    });

    test('end the socket with 4429 when it goes on, and one observation tells of all', async () => {
        const bench = createBench({ wsRate: RATE });
        const { wire, say } = bench.peer('ada');
        const other = bench.peer('bob');
        await bench.clock.settle();
        for (let n = 0; n < 20; n += 1) await say({ type: 'ping' });
        expect(wire.closed).toMatchObject({ code: 4429 });
        expect(wire.frames.filter(({ type }) => type === 'error')).toHaveLength(4);
        expect(bench.observed.filter(({ type }) => type === 'socket.limited')).toEqual([
            expect.objectContaining({ userId: 'ada', what: 'messages', refused: 4 }),
        ]);
        await other.say({ type: 'ping' });
        expect(other.wire.frames.at(-1)).toEqual({ type: 'pong' });
    });

    test('count before authentication, too, whatever they are', async () => {
        const bench = createBench({ wsRate: RATE });
        const { wire, session } = bench.peer('ada');
        for (let n = 0; n < 20; n += 1) session.receive('{');
        expect(wire.closed).toMatchObject({ code: 4429 });
    });

    test('are none for a rate of none', async () => {
        const bench = createBench();
        const { wire, say } = bench.peer('ada');
        await bench.clock.settle();
        for (let n = 0; n < 200; n += 1) await say({ type: 'ping' });
        expect(wire.frames.filter(({ type }) => type === 'pong')).toHaveLength(200);
    });
});

test('pings of the protocol have the same rate, counted apart', async () => {
    const bench = createBench({ wsRate: RATE });
    const { wire, session, say } = bench.peer('ada');
    await bench.clock.settle();
    for (let n = 0; n < 6; n += 1) session.pinged();
    await say({ type: 'ping' });
    expect(wire.frames.at(-1)).toEqual({ type: 'pong' });
    session.pinged();
    expect(wire.closed).toMatchObject({ code: 4429 });
    expect(bench.observed).toContainEqual(
        expect.objectContaining({ type: 'socket.limited', what: 'pings', refused: 4 }),
    );
});

test('pongs that answer ours are free; those beyond count as pings, however low the rate', async () => {
    const bench = createBench({ wsRate: { count: 1, perMs: 60_000 }, heartbeatMs: 25_000 });
    const { wire, session } = bench.peer('ada/86400000');
    await bench.clock.settle();
    for (let n = 0; n < 100; n += 1) {
        session.ponged();
        await bench.clock.pass(24_000);
    }
    expect(wire.closed).toBeNull();
    session.ponged();
    for (let n = 0; n < 2; n += 1) session.ponged();
    expect(wire.closed).toBeNull();
    session.ponged();
    expect(wire.closed).toMatchObject({ code: 4429 });
});

describe('connections of one user', () => {
    test('beyond the limit are turned away with 4429, those there are go on, and room is made by who leaves', async () => {
        const bench = createBench({ wsMaxConnectionsPerUser: 2 });
        const first = bench.peer('ada');
        const second = bench.peer('ada');
        await bench.clock.settle();
        const third = bench.peer('ada');
        const bob = bench.peer('bob');
        await bench.clock.settle();
        expect(third.wire.frames).toEqual([
            {
                type: 'error',
                code: 'rate_limited',
                message: 'expected at most 2 connections of one user, got one more',
                retryAfterMs: 5000,
            },
        ]);
        expect(third.wire.closed).toMatchObject({ code: 4429 });
        for (const { wire, say } of [first, second, bob]) {
            await say({ type: 'ping' });
            expect(wire.frames.at(-1)).toEqual({ type: 'pong' });
        }
        first.session.gone(1006);
        const fourth = bench.peer('ada');
        await bench.clock.settle();
        expect(fourth.wire.frames[0]).toMatchObject({ type: 'welcome' });
    });

    test('that come at the same moment are counted before they are let in', async () => {
        const bench = createBench({ wsMaxConnectionsPerUser: 2 });
        const peers = Array.from({ length: 10 }, () => bench.peer('ada'));
        await bench.clock.settle();
        const welcomed = peers.filter(({ wire }) => wire.frames[0]?.['type'] === 'welcome');
        expect(welcomed).toHaveLength(2);
    });
});

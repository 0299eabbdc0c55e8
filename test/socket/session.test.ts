import { describe, expect, test } from 'vitest';
import { createBench } from './bench-of-sockets.ts';

describe('authentication', () => {
    test('a good token is welcomed with limits, heartbeat and the user topic', async () => {
        const bench = createBench();
        bench.log.append('user:ann');
        const { wire, session } = await bench.join('ann');
        expect(wire.frames).toEqual([
            {
                type: 'welcome',
                connection: session.id,
                userId: 'ann',
                expiresAt: new Date(bench.clock.nowMs() + 3_600_000).toISOString(),
                heartbeatMs: 25_000,
                limits: { messageBytes: 16_384, subscriptions: 3, replay: 1000 },
                topics: [{ topic: 'user:ann', seq: 1, epoch: 'k1' }],
            },
        ]);
    });

    test('the first message can bring the token; its welcome echoes the ref', async () => {
        const bench = createBench();
        const { wire, say } = bench.peer(null);
        await say({ type: 'auth', token: 'ann', ref: 'r1' });
        expect(wire.frames[0]).toMatchObject({ type: 'welcome', userId: 'ann', ref: 'r1' });
    });

    test.each([
        ['a bad token', 'bad'],
        ['an unusable token', ''],
    ])('%s is refused with one message and 4401', async (_, token) => {
        const bench = createBench();
        const { wire } = bench.peer(token === '' ? 'bad/1' : token);
        await bench.clock.settle();
        expect(wire.frames).toEqual([
            { type: 'error', code: 'unauthorized', message: 'expected a valid, unexpired token' },
        ]);
        expect(wire.closed).toEqual({ code: 4401, reason: 'unauthorized' });
    });

    test.each([[{ type: 'ping' }], [{ type: 'auth' }], ['{'], [{ type: 'subscribe', topic: 'project:1' }]])(
        'a first message other than a token is refused: %j',
        async (frame) => {
            const { wire, say } = createBench().peer(null);
            await say(frame);
            expect(wire.frames).toEqual([
                { type: 'error', code: 'unauthorized', message: 'expected a valid, unexpired token' },
            ]);
            expect(wire.closed?.code).toBe(4401);
        },
    );

    test('keys that can not be had are no fault of the token: 1013', async () => {
        const bench = createBench();
        const { wire } = bench.peer('down');
        await bench.clock.settle();
        expect(wire.frames[0]).toMatchObject({ type: 'error', code: 'internal' });
        expect(wire.closed?.code).toBe(1013);
    });

    test('no token within 5 s closes with 4408', async () => {
        const bench = createBench();
        const { wire } = bench.peer(null);
        await bench.clock.pass(4999);
        expect(wire.closed).toBeNull();
        await bench.clock.pass(1);
        expect(wire.frames[0]).toMatchObject({ type: 'error', code: 'unauthorized' });
        expect(wire.closed?.code).toBe(4408);
    });

    test('an expired token closes with 4401', async () => {
        const bench = createBench();
        const { wire } = await bench.join('ann/60000');
        await bench.clock.pass(59_999);
        expect(wire.closed).toBeNull();
        await bench.clock.pass(1);
        expect(wire.of('error')).toEqual([
            { type: 'error', code: 'unauthorized', message: 'expected a valid, unexpired token' },
        ]);
        expect(wire.closed?.code).toBe(4401);
        expect(bench.clock.pendingTimers).toBe(0);
    });

    test('a token that lives longer than a timer does not expire early', async () => {
        const bench = createBench();
        const { wire } = await bench.join(`ann/${2 ** 32}`);
        await bench.clock.pass(2 ** 32 - 1);
        expect(wire.closed).toBeNull();
        await bench.clock.pass(1);
        expect(wire.closed?.code).toBe(4401);
    });

    test('a new token of the same user is taken in place', async () => {
        const bench = createBench();
        const { wire, say } = await bench.join('ann/60000');
        await say({ type: 'auth', token: 'ann/120000', ref: 'x' });
        const expiresAt = new Date(bench.clock.nowMs() + 120_000).toISOString();
        expect(wire.frames.at(-1)).toEqual({ type: 'authenticated', expiresAt, ref: 'x' });
        await bench.clock.pass(119_999);
        expect(wire.closed).toBeNull();
        await bench.clock.pass(1);
        expect(wire.closed?.code).toBe(4401);
    });

    test.each(['bob', 'bad'])('a new token %s that is not the same user ends the socket', async (token) => {
        const { wire, say } = await createBench().join('ann');
        await say({ type: 'auth', token });
        expect(wire.frames.at(-1)).toEqual({
            type: 'error',
            code: 'unauthorized',
            message: 'expected a valid, unexpired token',
        });
        expect(wire.closed?.code).toBe(4401);
    });

    test('a new token that can not be checked leaves the socket as it was', async () => {
        const { wire, say } = await createBench().join('ann');
        await say({ type: 'auth', token: 'down', ref: 'x' });
        expect(wire.frames.at(-1)).toMatchObject({ type: 'error', code: 'internal', ref: 'x' });
        expect(wire.closed).toBeNull();
    });

    test('64 frames sent before authentication ends are answered after it, in order; the 65th is too many', async () => {
        const bench = createBench();
        const { wire, session } = bench.peer('ann');
        for (let n = 0; n < 64; n += 1) session.receive(JSON.stringify({ type: 'ping', ref: String(n) }));
        await bench.clock.settle();
        expect(wire.of('pong').map(({ ref }) => ref)).toEqual(Array.from({ length: 64 }, (_, n) => String(n)));
        const eager = bench.peer('ann');
        for (let n = 0; n < 65; n += 1) eager.session.receive('{"type":"ping"}');
        expect(eager.wire.frames).toEqual([
            { type: 'error', code: 'bad_request', message: 'expected at most 64 frames before authentication ends' },
        ]);
        expect(eager.wire.closed?.code).toBe(4400);
    });

    test('a user topic that can not be pinned asks the client to come back', async () => {
        const bench = createBench();
        bench.log.gate = () => Promise.reject(new Error('down'));
        const { wire } = await bench.join('ann');
        expect(wire.frames).toMatchObject([{ type: 'error', code: 'internal' }]);
        expect(wire.closed?.code).toBe(1013);
    });
});

describe('frames', () => {
    test('ping is answered by pong with its ref', async () => {
        const { wire, say } = await createBench().join();
        await say({ type: 'ping', ref: 'e' });
        expect(wire.frames.at(-1)).toEqual({ type: 'pong', ref: 'e' });
    });

    test('a malformed frame is a bad_request and leaves the socket open', async () => {
        const { wire, say } = await createBench().join();
        await say('{"type":');
        await say({ type: 'dance', ref: 'd' });
        expect(wire.of('error')).toEqual([
            { type: 'error', code: 'bad_request', message: 'expected a JSON object, got text that is not JSON' },
            {
                type: 'error',
                code: 'bad_request',
                message: 'expected type to be subscribe, unsubscribe, auth or ping, got "dance"',
                ref: 'd',
            },
        ]);
        expect(wire.closed).toBeNull();
    });

    test('a binary frame is a protocol violation', async () => {
        const { wire, session } = await createBench().join();
        session.receiveBinary();
        expect(wire.frames.at(-1)).toMatchObject({ type: 'error', code: 'bad_request' });
        expect(wire.closed?.code).toBe(4400);
    });

    test('answers keep the order of their frames while a pin is under way', async () => {
        const bench = createBench();
        const { wire, session } = await bench.join();
        session.receive('{"type":"subscribe","topic":"project:1","ref":"1"}');
        session.receive('{"type":"ping","ref":"2"}');
        session.receive('{"type":"unsubscribe","topic":"project:1","ref":"3"}');
        session.receive('{"type":"unsubscribe","topic":"project:1","ref":"4"}');
        await bench.clock.settle();
        expect(wire.frames.slice(1).map(({ type, ref }) => [type, ref])).toEqual([
            ['subscribed', '1'],
            ['pong', '2'],
            ['unsubscribed', '3'],
            ['error', '4'],
        ]);
        expect(wire.frames.at(-1)).toMatchObject({ code: 'not_subscribed', topic: 'project:1' });
    });

    test('frames faster than their answers end the socket', async () => {
        const bench = createBench();
        const { wire, session } = await bench.join();
        session.receive('{"type":"subscribe","topic":"project:1"}');
        for (let n = 0; n < 1025; n += 1) session.receive('{"type":"ping"}');
        expect(wire.closed?.code).toBe(4429);
    });
});

describe('the end', () => {
    test('leaves every topic and no timer', async () => {
        const bench = createBench();
        const { session } = await bench.join('ann', 'project:1');
        expect(bench.hub.readers('project:1')).toBe(1);
        session.gone(1006);
        expect([bench.hub.readers('project:1'), bench.hub.readers('user:ann')]).toEqual([0, 0]);
        expect([bench.sessions.count(), bench.clock.pendingTimers]).toEqual([0, 0]);
        expect(bench.observed.at(-1)).toEqual({
            type: 'socket.closed',
            connection: session.id,
            userId: 'ann',
            code: 1006,
        });
    });

    test('while joins are under way leaves nothing behind', async () => {
        const bench = createBench();
        const { session } = await bench.join('ann');
        session.receive(
            '{"type":"subscribe","topics":[{"topic":"project:1"},{"topic":"project:1"},{"topic":"project:2"}]}',
        );
        session.gone(1006);
        await bench.clock.settle();
        expect([bench.hub.readers('project:1'), bench.hub.readers('project:2')]).toEqual([0, 0]);
    });

    test('closeAll says 1001 with a jittered retryAfterMs', async () => {
        const bench = createBench();
        const peers = await Promise.all(Array.from({ length: 50 }, () => bench.join('ann')));
        const closing = bench.sessions.closeAll(1000);
        await bench.clock.pass(1000);
        await closing;
        expect(peers.every(({ wire }) => wire.closed?.code === 1001)).toBe(true);
        expect(peers[0]?.wire.closed?.reason).toBe('{"retryAfterMs":2500}');
        expect(bench.sessions.count()).toBe(0);
    });

    test('closeAll leaves those still reading to the last', async () => {
        const bench = createBench();
        const slow = await bench.join('ann', 'project:1');
        const quick = await bench.join('ann');
        slow.wire.stuck = true;
        await bench.publish(bench.log.append('project:1'));
        const closing = bench.sessions.closeAll(1000);
        await bench.clock.pass(500);
        expect([quick.wire.closed?.code, slow.wire.closed]).toEqual([1001, null]);
        await bench.clock.pass(500);
        await closing;
        expect(slow.wire.closed?.code).toBe(1001);
    });

    test('sweep closes those not heard from for two heartbeats', async () => {
        const bench = createBench();
        const silent = await bench.join('ann');
        const lively = await bench.join('bob');
        await bench.clock.pass(50_001);
        lively.session.ponged();
        bench.sessions.sweep();
        expect([silent.wire.closed?.code, lively.wire.closed]).toEqual([1013, null]);
    });
});

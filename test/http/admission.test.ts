import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, handshake, openClient, until } from './client.ts';
import { type Gateway, startGateway } from './gateway.ts';

const ENOUGH = /101|\}$/;

function problemIn(answer: string): Record<string, unknown> {
    return JSON.parse(answer.slice(answer.indexOf('{')));
}

describe('WS_CONNECT_RATE', () => {
    let gateway: Gateway;
    beforeAll(async () => {
        gateway = await startGateway({ settings: { wsConnectRate: { count: 3, perMs: 60_000 }, trustProxy: 1 } });
    });
    afterAll(async () => await gateway.stop());

    async function connect(forwardedFor: string): Promise<string> {
        return await exchange(gateway.port, handshake({ 'X-Forwarded-For': forwardedFor }), ENOUGH);
    }

    test('one too many from an address gets 429, when to come again, and why; others come in', async () => {
        for (let n = 0; n < 3; n += 1) expect(await connect('203.0.113.7')).toMatch(/^HTTP\/1\.1 101/);
        const answer = await connect('203.0.113.7');
        expect(answer).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
        expect(answer).toMatch(/retry-after: (?:19|20)\r\n/);
        const { code, detail, retryAfterMs } = problemIn(answer);
        expect([code, detail]).toEqual(['rate_limited', 'expected sockets from this address to be opened less often']);
        expect(retryAfterMs).toBeGreaterThan(18_000);
        expect(await connect('203.0.113.8')).toMatch(/^HTTP\/1\.1 101/);
        expect(gateway.observed).toContainEqual({
            type: 'socket.refused',
            reason: 'connect_rate',
            address: '203.0.113.7',
        });
    });

    test('one who makes up more of the header is still who the proxy saw', async () => {
        for (let n = 0; n < 3; n += 1) await connect(`10.0.0.${n}, 203.0.113.9`);
        expect(await connect('10.0.0.9, 203.0.113.9')).toMatch(/^HTTP\/1\.1 429/);
    });

    test('a /64 of IPv6 is one', async () => {
        for (let n = 0; n < 3; n += 1) await connect(`2001:db8::${n + 1}`);
        expect(await connect('[2001:db8::ffff]:4711')).toMatch(/^HTTP\/1\.1 429/);
        expect(await connect('2001:db8:0:1::1')).toMatch(/^HTTP\/1\.1 101/);
    });

    test('what comes from this machine is not counted', async () => {
        for (let n = 0; n < 8; n += 1) {
            expect(await exchange(gateway.port, handshake(), ENOUGH)).toMatch(/^HTTP\/1\.1 101/);
        }
    });

    test('what is refused for its Origin takes nothing from those who share the address', async () => {
        for (let n = 0; n < 8; n += 1) {
            const headers = { 'X-Forwarded-For': '203.0.113.10', Origin: 'https://evil.example' };
            expect(await exchange(gateway.port, handshake(headers), ENOUGH)).toMatch(/^HTTP\/1\.1 403/);
        }
        expect(await connect('203.0.113.10')).toMatch(/^HTTP\/1\.1 101/);
    });
});

describe('a socket that had to be closed', () => {
    /** As many may be opened as are left after one socket has ended in this way. */
    async function leftAfter(end: (address: string, gateway: Gateway) => Promise<void>): Promise<number> {
        const gateway = await startGateway({
            settings: { wsConnectRate: { count: 20, perMs: 600_000 }, trustProxy: 1, authDeadlineMs: 100 },
        });
        await end('203.0.113.7', gateway);
        let left = 0;
        const headers = { 'X-Forwarded-For': '203.0.113.7' };
        while (/^HTTP\/1\.1 101/.test(await exchange(gateway.port, handshake(headers), ENOUGH))) left += 1;
        await gateway.stop();
        return left;
    }

    async function openFrom(address: string, gateway: Gateway, token: string | null) {
        const url = token === null ? gateway.socketUrl : `${gateway.socketUrl}?token=${token}`;
        return await openClient(url, { headers: { 'x-forwarded-for': address } });
    }

    test.each([
        [
            'a bad token',
            17,
            async (address: string, gateway: Gateway) => void (await (await openFrom(address, gateway, 'a.b.c')).end()),
        ],
        [
            'no token in time',
            17,
            async (address: string, gateway: Gateway) => void (await (await openFrom(address, gateway, null)).end()),
        ],
        [
            'too large a message',
            17,
            async (address: string, gateway: Gateway) => {
                const client = await openFrom(address, gateway, await gateway.token());
                client.say('x'.repeat(20_000));
                await client.end();
            },
        ],
        [
            'a goodbye',
            19,
            async (address: string, gateway: Gateway) => {
                const client = await openFrom(address, gateway, await gateway.token());
                client.ws.close();
                await client.end();
            },
        ],
        [
            'no goodbye',
            19,
            async (address: string, gateway: Gateway) => {
                const client = await openFrom(address, gateway, await gateway.token());
                client.ws.terminate();
                await until(() => gateway.sessions.count() === 0, 'its end');
            },
        ],
        [
            'a token that expires',
            19,
            async (address: string, gateway: Gateway) => {
                const client = await openFrom(address, gateway, await gateway.token('42', 1500));
                expect((await client.end()).code).toBe(4401);
            },
        ],
    ])('for %s leaves its address %i of 20', async (_, expected, end) => {
        // Each look is a socket that ends without a token: it is told so after the looking.
        expect(await leftAfter(end)).toBe(expected);
    });
});

describe('WS_MAX_LAG_MS', () => {
    test('a loop that lags lets nobody in, says when to come again, and keeps those inside', async () => {
        const gateway = await startGateway({ settings: { wsMaxLagMs: 40 } });
        const inside = await openClient(`${gateway.socketUrl}?token=${await gateway.token()}`);
        await inside.next('welcome');
        let busy = true;
        const work = () => {
            const endMs = performance.now() + 250;
            while (performance.now() < endMs);
            if (busy) setImmediate(work);
        };
        work();
        await until(() => gateway.sessions.crowd.crowding() !== null, 'a lag');
        const answer = await exchange(gateway.port, handshake(), ENOUGH);
        expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
        expect(answer).toMatch(/retry-after: [1-6]\r\n/);
        expect(problemIn(answer)).toMatchObject({ code: 'unavailable' });
        inside.say({ type: 'ping' });
        await inside.next('pong');
        busy = false;
        await until(() => gateway.sessions.crowd.crowding() === null, 'an end of the lag');
        const later = await openClient(`${gateway.socketUrl}?token=${await gateway.token()}`);
        await later.next('welcome');
        await gateway.stop();
    });
});

describe('a flood to twice the limit', () => {
    test('gets 503 at times that differ, and those inside are none the wiser', async () => {
        const gateway = await startGateway({ settings: { wsMaxConnections: 50 } });
        const token = await gateway.token();
        const inside = await Promise.all(
            Array.from({ length: 50 }, async () => {
                const client = await openClient(`${gateway.socketUrl}?token=${token}`);
                await client.next('welcome');
                return client;
            }),
        );
        const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(gateway.port, handshake())));
        expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 503'))).toHaveLength(50);
        const waits = new Set(answers.map((answer) => problemIn(answer)['retryAfterMs']));
        expect(waits.size).toBeGreaterThan(30);
        for (const client of inside) client.say({ type: 'ping' });
        await Promise.all(inside.map((client) => client.next('pong')));
        await gateway.stop();
    });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client, exchange, handshake, openClient } from './client.ts';
import { type Gateway, startGateway } from './gateway.ts';

const UNAUTHORIZED = { type: 'error', code: 'unauthorized', message: 'expected a valid, unexpired token' };

let gateway: Gateway;
beforeAll(async () => {
    gateway = await startGateway({ settings: { corsOrigins: ['https://app.example.com'], authDeadlineMs: 300 } });
});
afterAll(async () => await gateway.stop());

type Offer = { url: string; protocols?: string[]; headers?: Record<string, string> };

const WAYS: [string, (token: string) => Offer][] = [
    ['header', (token) => ({ url: gateway.socketUrl, headers: { authorization: `Bearer ${token}` } })],
    ['subprotocol', (token) => ({ url: gateway.socketUrl, protocols: ['tidings.v1', `bearer.${token}`] })],
    ['query', (token) => ({ url: `${gateway.socketUrl}?token=${token}` })],
    ['message', () => ({ url: gateway.socketUrl })],
];

async function bring(way: string, offer: (token: string) => Offer, token: string): Promise<Client> {
    const { url, ...options } = offer(token);
    const client = await openClient(url, options);
    if (way === 'message') client.say({ type: 'auth', token });
    return client;
}

describe.each(WAYS)('a token by %s', (way, offer) => {
    test('is welcomed', async () => {
        const client = await bring(way, offer, await gateway.token('42'));
        expect(await client.next('welcome')).toMatchObject({ userId: '42', heartbeatMs: 25_000 });
        expect(client.ws.protocol).toBe('tidings.v1');
        client.ws.close();
    });

    test.each([
        ['bad', async () => 'a.b.c'],
        ['expired', async () => await gateway.token('42', -1000)],
        ['unsigned', async () => `${(await gateway.token('42')).split('.').slice(0, 2).join('.')}.AAAA`],
    ])('that is %s gets the one error, then 4401', async (_, make) => {
        const client = await bring(way, offer, await make());
        expect(await client.end()).toEqual({ code: 4401, reason: 'unauthorized' });
        expect(client.frames).toEqual([UNAUTHORIZED]);
    });
});

test('no token in time is 4408', async () => {
    const client = await openClient(gateway.socketUrl);
    expect((await client.end()).code).toBe(4408);
    expect(client.frames).toMatchObject([{ type: 'error', code: 'unauthorized' }]);
});

test('the first place that has a token counts', async () => {
    const good = await gateway.token('42');
    const client = await openClient(`${gateway.socketUrl}?token=${good}`, { headers: { authorization: 'Bearer no' } });
    expect((await client.end()).code).toBe(4401);
    const other = await openClient(`${gateway.socketUrl}?token=no`, { headers: { authorization: `bearer  ${good}` } });
    expect(await other.next('welcome')).toMatchObject({ userId: '42' });
    other.ws.close();
});

test('a token is in no observation', async () => {
    const token = await gateway.token('canary');
    for (const [way, offer] of WAYS) {
        const client = await bring(way, offer, token);
        await client.next('welcome');
        client.ws.close();
    }
    expect(JSON.stringify(gateway.observed)).not.toContain(token.split('.')[2]);
});

test('the subprotocol that holds a token is never selected', async () => {
    const token = await gateway.token();
    const key = { 'Sec-WebSocket-Protocol': `bearer.${token}` };
    const answer = await exchange(gateway.port, handshake(key), /welcome/);
    expect(answer).toMatch(/^HTTP\/1\.1 101/);
    expect(answer.toLowerCase()).not.toContain('sec-websocket-protocol');
});

test('without a subprotocol a socket works, too', async () => {
    const client = await openClient(`${gateway.socketUrl}?token=${await gateway.token()}`, { protocols: [] });
    await client.next('welcome');
    expect(client.ws.protocol).toBe('');
    client.ws.close();
});

describe('Origin', () => {
    test.each([
        'null',
        'https://evil.example',
        'https://evil-app.example.com',
        'https://app.example.com.evil.example',
        'https://app.example.com:444',
        'http://app.example.com',
        'https://APP.example.com',
        'HTTPS://app.example.com',
        'https://app.example.com/',
        'https://app.example.com@evil.example',
        'app.example.com',
    ])('%s is refused with 403', async (origin) => {
        const answer = await exchange(gateway.port, handshake({ Origin: origin }));
        expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
        expect(answer).toContain('"code":"forbidden"');
    });

    test('two of them are refused', async () => {
        const text = handshake({ Origin: 'https://app.example.com' }).replace(
            'Upgrade:',
            'Origin: https://evil.example\r\nUpgrade:',
        );
        expect(await exchange(gateway.port, text)).toMatch(/^HTTP\/1\.1 403/);
    });

    test.each(['https://app.example.com', 'own'])('%s is let in, and so is none', async (origin) => {
        const own = `http://127.0.0.1:${gateway.port}`;
        const headers = { Origin: origin === 'own' ? own : origin, Host: `127.0.0.1:${gateway.port}` };
        expect(await exchange(gateway.port, handshake(headers), /101/)).toMatch(/^HTTP\/1\.1 101/);
        expect(await exchange(gateway.port, handshake({}), /101/)).toMatch(/^HTTP\/1\.1 101/);
    });
});

describe('handshake', () => {
    test.each(['8', '12', '14', '', '13, 8'])('version %j is refused with 426', async (version) => {
        const answer = await exchange(gateway.port, handshake({ 'Sec-WebSocket-Version': version }));
        expect(answer).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
        expect(answer).toMatch(/sec-websocket-version: 13\r\n/);
    });

    test('a plain GET of the path is told to upgrade', async () => {
        const response = await fetch(`${gateway.url}/ws`);
        expect(response.status).toBe(426);
    });

    test('compression is not negotiated', async () => {
        const answer = await exchange(
            gateway.port,
            handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }),
            /101/,
        );
        expect(answer.toLowerCase()).not.toContain('permessage-deflate');
    });
});

test('over WS_MAX_CONNECTIONS an upgrade gets 503 with Retry-After, and those inside go on', async () => {
    const small = await startGateway({ settings: { wsMaxConnections: 2 } });
    const url = `${small.socketUrl}?token=${await small.token()}`;
    const inside = [await openClient(url), await openClient(url)];
    await inside[0]?.next('welcome');
    const answer = await exchange(small.port, handshake());
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(answer).toMatch(/retry-after: [1-6]\r\n/);
    expect(small.observed).toContainEqual({
        type: 'socket.refused',
        reason: 'too_many_connections',
        address: '127.0.0.1',
    });
    inside[0]?.say({ type: 'ping' });
    await inside[0]?.next('pong');
    inside[1]?.ws.close();
    await inside[1]?.end();
    const again = new Client(new WebSocket(url));
    await again.next('welcome');
    await small.stop();
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TidingsError } from '../../src/errors.ts';
import { exchange, inTime, until } from './client.ts';
import { type Gateway, startGateway } from './gateway.ts';

const aborted: string[] = [];

/** What each path does. */
const ROUTES: Record<string, (request: Request, address: string) => Response | Promise<Response>> = {
    '/throw': () => {
        throw new Error('a secret detail');
    },
    '/reject': () => Promise.reject(new Error('a secret detail')),
    '/known': () => Promise.reject(new TidingsError('unavailable', 'expected patience', { retryAfterMs: 1500 })),
    '/never': (request) => {
        request.signal.addEventListener('abort', () => aborted.push('/never'));
        return new Promise(() => undefined);
    },
    '/nothing': () => undefined as unknown as Response,
    '/broken-body': () =>
        new Response(
            new ReadableStream({
                pull: (controller) => controller.error(new Error('broken')),
            }),
        ),
    '/echo': async (request, address) =>
        Response.json({
            method: request.method,
            url: request.url,
            body: await request.text(),
            headers: Object.fromEntries(request.headers),
            address,
        }),
    '/cookies': () => {
        const headers = new Headers({ 'x-one': '1' });
        headers.append('set-cookie', 'a=1');
        headers.append('set-cookie', 'b=2');
        return new Response('ok', { status: 201, headers });
    },
    '/empty': () => new Response(null, { status: 204 }),
    '/large': () => new Response('x'.repeat(3_000_000)),
    '/events': (request) => {
        const encoder = new TextEncoder();
        let n = 0;
        const stream = new ReadableStream({
            start: (controller) => controller.enqueue(encoder.encode(': hello\n\n')),
            pull: async (controller) => {
                await new Promise((resolve) => setTimeout(resolve, 5));
                n += 1;
                controller.enqueue(encoder.encode(`data: ${n}\n\n`));
            },
            cancel: () => void aborted.push('/events'),
        });
        request.signal.addEventListener('abort', () => aborted.push('/events signal'));
        return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
    },
    '/late': async () => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        return new Response('late');
    },
};

function start(settings: Record<string, unknown> = {}): Promise<Gateway> {
    return startGateway({
        fetch: async (request, { address }) => {
            const route = ROUTES[new URL(request.url).pathname];
            return route === undefined ? new Response('none', { status: 404 }) : route(request, address);
        },
        settings: { answerDeadlineMs: 300, bodyDeadlineMs: 300, bodyMaxBytes: 1000, ...settings },
    });
}

let gateway: Gateway;
beforeAll(async () => {
    gateway = await start();
});
afterAll(async () => await gateway.stop());

async function alive(): Promise<void> {
    expect((await fetch(`${gateway.url}/echo`)).status).toBe(200);
}

describe('a handler that', () => {
    test.each([
        ['throws', '/throw', 500, 'internal'],
        ['rejects', '/reject', 500, 'internal'],
        ['gives nothing', '/nothing', 500, 'internal'],
        ['breaks while its body is read', '/broken-body', 500, 'internal'],
        ['rejects with an error of ours', '/known', 503, 'unavailable'],
        ['never answers', '/never', 504, 'unavailable'],
    ])('%s ends nothing but its request', async (_, path, status, code) => {
        const response = await fetch(`${gateway.url}${path}`);
        const text = await response.text();
        expect(response.status).toBe(status);
        expect(response.headers.get('content-type')).toBe('application/problem+json');
        expect(JSON.parse(text)).toMatchObject({ status, code });
        expect(text).not.toContain('secret');
        await alive();
    });

    test('is told by its signal that its time is over', () => {
        expect(aborted).toContain('/never');
    });

    test('is reported', () => {
        expect(gateway.observed).toContainEqual({
            type: 'handler.failed',
            where: 'http',
            error: new Error('a secret detail'),
        });
    });
});

describe('requests', () => {
    test('arrive with method, target, headers, body and address', async () => {
        const response = await fetch(`${gateway.url}/echo?a=1&b=%C3%BC`, {
            method: 'PATCH',
            body: 'grüße',
            headers: { 'x-thing': 'yes', 'x-forwarded-for': '1.2.3.4' },
        });
        expect(await response.json()).toMatchObject({
            method: 'PATCH',
            url: `${gateway.url}/echo?a=1&b=%C3%BC`,
            body: 'grüße',
            headers: { 'x-thing': 'yes' },
            address: '127.0.0.1',
        });
    });

    test.each([
        [1, '9.9.9.9, 1.2.3.4', '1.2.3.4'],
        [2, '9.9.9.9, 1.2.3.4, 5.6.7.8', '1.2.3.4'],
        [2, '::1', '::1'],
        [1, '9.9.9.9, 1.2.3.4:5678', '1.2.3.4'],
        [1, '[2001:DB8::1]:443', '2001:db8::1'],
        [1, '::ffff:1.2.3.4', '1.2.3.4'],
        [1, '', '127.0.0.1'],
        [1, '1.2.3.4, evil"\r', '127.0.0.1'],
    ])('behind %i trusted hops, %j is %s', async (trustProxy, forwarded, expected) => {
        const proxied = await start({ trustProxy });
        const text = `GET /echo HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${forwarded.trimEnd()}\r\n\r\n`;
        expect(await exchange(proxied.port, text, /"address":"[^"]*"/)).toContain(`"address":"${expected}"`);
        await proxied.stop();
    });

    test('a body over the cap is 413, announced or not', async () => {
        const announced = await fetch(`${gateway.url}/echo`, { method: 'POST', body: 'x'.repeat(1001) });
        expect([announced.status, await announced.json()]).toMatchObject([413, { code: 'too_large' }]);
        const chunk = `3e9\r\n${'x'.repeat(1001)}\r\n`;
        const text = `POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`;
        expect(await exchange(gateway.port, text)).toMatch(/^HTTP\/1\.1 413/);
        expect((await fetch(`${gateway.url}/echo`, { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(200);
    });

    test('bodies that together take too much are refused for now, and make room when they end', async () => {
        const small = await start({ bodiesMaxBytes: 2500, bodyDeadlineMs: 60_000 });
        const head = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n';
        const held = [1, 2].map(() => connect(small.port, '127.0.0.1'));
        for (const socket of held) socket.write(`${head}${'x'.repeat(999)}`);
        const whole = `${head}${'x'.repeat(1000)}`;
        let refused = '';
        while (!refused.startsWith('HTTP/1.1 503')) refused = await exchange(small.port, whole, /\}$/);
        expect(refused).toMatch(/retry-after: 1\r\n/);
        for (const socket of held) socket.write('x');
        await Promise.all(held.map((socket) => once(socket, 'data')));
        expect(await exchange(small.port, whole, /\}$/)).toMatch(/^HTTP\/1\.1 200/);
        for (const socket of held) socket.destroy();
        await small.stop();
    });

    test('a body that drips is given up', async () => {
        const text = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx';
        expect(await exchange(gateway.port, text)).toMatch(/^HTTP\/1\.1 400/);
        await alive();
    });

    test.each([
        ['two lengths', 'Content-Length: 5\r\nContent-Length: 0'],
        ['a length twice', 'Content-Length: 5\r\nContent-Length: 5'],
        ['a list of lengths', 'Content-Length: 5, 5'],
        ['a length with a sign', 'Content-Length: +5'],
        ['a length below nothing', 'Content-Length: -5'],
        ['a length in hex', 'Content-Length: 0x5'],
        ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
        ['an unknown coding', 'Transfer-Encoding: xchunked'],
        ['another coding beside chunked', 'Transfer-Encoding: gzip, chunked'],
        ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
        ['a chunk of no size', 'Transfer-Encoding: chunked', 'zz\r\nhello\r\n'],
    ])('%s is refused, and what follows is no request', async (_, headers, body = '0\r\n\r\n') => {
        const smuggled = 'GET /echo?smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
        const text = `POST /echo HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}${smuggled}`;
        const answer = await exchange(gateway.port, text);
        expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
        expect(answer).not.toContain('smuggled');
        expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    });

    test('a host that can not be one is refused', async () => {
        expect(await exchange(gateway.port, 'GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
        expect(await exchange(gateway.port, 'GET /echo HTTP/1.1\r\nHost: x/y?\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    });

    test('a method no request can have is refused', async () => {
        expect(await exchange(gateway.port, 'TRACE /echo HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    });

    test.each(['garbage\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET\r\n\r\n', '\0\0\0\0\r\n\r\n'])(
        '%j ends nothing',
        async (text) => {
            await exchange(gateway.port, text);
            await alive();
        },
    );

    test('a client that goes away is noticed and harms nothing', async () => {
        for (const path of ['/never', '/late', '/large', '/events', '/echo']) {
            const socket = connect(gateway.port, '127.0.0.1');
            socket.on('error', () => undefined);
            const body = path === '/echo' ? 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx' : '';
            socket.write(body || `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
            await once(socket, 'connect');
            await alive();
            socket.resetAndDestroy();
        }
        await until(() => aborted.includes('/events') && aborted.includes('/events signal'), 'the stream to be told');
        await until(() => aborted.filter((path) => path === '/never').length > 1, 'the handler to be told');
        await alive();
    });
});

describe('responses', () => {
    test('keep every Set-Cookie', async () => {
        const response = await fetch(`${gateway.url}/cookies`);
        expect([response.status, response.headers.getSetCookie()]).toEqual([201, ['a=1', 'b=2']]);
        expect(response.headers.get('x-one')).toBe('1');
    });

    test('to HEAD have no body, and the connection goes on', async () => {
        const text = 'HEAD /cookies HTTP/1.1\r\nHost: x\r\n\r\nGET /empty HTTP/1.1\r\nHost: x\r\n\r\n';
        const answer = await exchange(gateway.port, text, /204/);
        expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n[\s\S]*\r\n\r\nHTTP\/1\.1 204 No Content\r\n/);
        expect(answer).not.toMatch(/\r\nok/);
        expect(answer.toLowerCase()).not.toContain('content-length');
    });

    test('of 204 carry no length', async () => {
        const answer = await exchange(gateway.port, 'GET /empty HTTP/1.1\r\nHost: x\r\n\r\n', /\r\n\r\n/);
        expect(answer.toLowerCase()).not.toContain('content-length');
    });

    test('of any size arrive whole', async () => {
        const text = await (await fetch(`${gateway.url}/large`)).text();
        expect(text.length).toBe(3_000_000);
    });

    test('of event streams go out as they come', async () => {
        const controller = new AbortController();
        const response = await fetch(`${gateway.url}/events`, { signal: controller.signal });
        const reader = response.body?.getReader();
        let text = '';
        while (!text.includes('data: 3')) {
            const { value } =
                (await inTime(reader?.read() ?? Promise.reject(new Error('no body')), () => 'a chunk')) ?? {};
            text += Buffer.from(value ?? []).toString();
        }
        expect(text).toMatch(/^: hello\n\ndata: 1\n\n/);
        controller.abort();
    });

    test('do not name their server', async () => {
        expect((await fetch(`${gateway.url}/echo`)).headers.get('uwebsockets')).toBeNull();
    });
});

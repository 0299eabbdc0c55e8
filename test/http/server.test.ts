import { EventEmitter, once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { openClient, until } from './client.ts';
import { startGateway } from './gateway.ts';

describe('start', () => {
    test('port 0 picks one and reports it', async () => {
        const gateway = await startGateway();
        expect(gateway.port).toBeGreaterThan(1023);
        expect(await (await fetch(`${gateway.url}/x`)).json()).toEqual({ hello: '/x' });
        await gateway.stop();
    });

    test('a port in use is a clear error', async () => {
        const gateway = await startGateway();
        await expect(startGateway({ settings: { port: gateway.port } })).rejects.toMatchObject({
            code: 'unavailable',
            message: `expected port ${gateway.port} on 127.0.0.1 to be free and ours to listen on, got a refusal`,
        });
        await gateway.stop();
    });
});

describe('stop', () => {
    test('closes sockets with 1001 and a retryAfterMs, and refuses new ones', async () => {
        const gateway = await startGateway();
        const url = `${gateway.socketUrl}?token=${await gateway.token()}`;
        const clients = await Promise.all(Array.from({ length: 30 }, () => openClient(url)));
        await Promise.all(clients.map((client) => client.next('welcome')));
        const stopping = gateway.stop();
        for (const client of clients) {
            const { code, reason } = await client.end();
            expect(code).toBe(1001);
            const { retryAfterMs } = JSON.parse(reason) as { retryAfterMs: number };
            expect(retryAfterMs).toBeGreaterThanOrEqual(0);
            expect(retryAfterMs).toBeLessThanOrEqual(5000);
        }
        await stopping;
        await expect(fetch(gateway.url)).rejects.toThrow();
        await expect(openClient(url)).rejects.toThrow();
    });

    test('lets answers under way finish, and cuts those that never will', async () => {
        const asked: string[] = [];
        const gate = new EventEmitter();
        const gateway = await startGateway({
            fetch: async (request) => {
                asked.push(request.url);
                if (request.url.endsWith('/never')) return new Promise(() => undefined);
                await once(gate, 'open');
                return new Response('done');
            },
        });
        const under = fetch(`${gateway.url}/slow`);
        const never = fetch(`${gateway.url}/never`).catch(() => 'cut');
        await until(() => asked.length === 2, 'both to be asked');
        const stopping = gateway.stop();
        gate.emit('open');
        expect(await (await under).text()).toBe('done');
        expect(await never).toBe('cut');
        await stopping;
    });

    test('bears twice and not started', async () => {
        const gateway = await startGateway();
        await Promise.all([gateway.stop(), gateway.stop()]);
        await gateway.stop();
    });
});

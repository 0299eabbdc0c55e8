import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, inTime, openClient, rawSocket, until } from './client.ts';
import { type Gateway, startGateway } from './gateway.ts';

const P = 'project:17';

let gateway: Gateway;
beforeAll(async () => {
    gateway = await startGateway({ settings: { wsMaxBackpressureBytes: 100_000 } });
});
afterAll(async () => await gateway.stop());

async function welcome(userId = '42'): Promise<Client> {
    const client = await openClient(`${gateway.socketUrl}?token=${await gateway.token(userId)}`);
    await client.next('welcome');
    return client;
}

test('subscribe, event, unsubscribe: whole frames', async () => {
    const client = await welcome();
    client.say({ type: 'subscribe', topic: P, ref: 'a' });
    const subscribed = await client.next('subscribed');
    const seq = Number(subscribed['seq']);
    expect(subscribed).toEqual({ type: 'subscribed', topic: P, seq, epoch: 'k1', outcome: 'live', ref: 'a' });
    const batch = gateway.log.append(P, {
        event: 'task.updated',
        data: '{"id": "9", "ü": [1, 2]}',
        actorId: '7',
        requestId: 'r-1',
    });
    gateway.publish(batch);
    const id = batch.events[0]?.id;
    expect(await client.next('event')).toEqual({
        type: 'event',
        topic: P,
        seq: seq + 1,
        event: 'task.updated',
        id,
        at: '2026-11-22T10:00:00.000Z',
        actorId: '7',
        data: { id: '9', ü: [1, 2] },
        requestId: 'r-1',
    });
    expect(client.texts.at(-1)).toContain('"data":{"id": "9", "ü": [1, 2]}');
    client.say({ type: 'unsubscribe', topic: P, ref: 'c' });
    expect(await client.next('unsubscribed')).toEqual({
        type: 'unsubscribed',
        topic: P,
        reason: 'requested',
        ref: 'c',
    });
    client.ws.close();
});

test('a disconnect leaves every topic at once', async () => {
    const client = await welcome();
    client.say({ type: 'subscribe', topic: 'project:gone' });
    await client.next('subscribed');
    client.ws.terminate();
    await until(() => gateway.hub.readers('project:gone') === 0, 'the topic to be left');
});

test('a long replay arrives whole and in order', async () => {
    const topic = 'project:long';
    gateway.log.appendMany(topic, 9900);
    const client = await welcome();
    client.say({ type: 'subscribe', topic, since: 0, epoch: 'k1' });
    await client.next('subscribed');
    await client.until((one) => one['seq'] === 9900 && one.type === 'event');
    gateway.publish(gateway.log.append(topic));
    await client.until((one) => one['seq'] === 9901);
    const seqs = client.frames.filter(({ type }) => type === 'event').map((one) => one['seq']);
    expect(seqs).toEqual(Array.from({ length: 9901 }, (_, n) => n + 1));
    client.ws.close();
});

test('a reader that stops while others read loses nothing and delays nobody', async () => {
    const topic = 'project:busy';
    const [slow, quick] = [await welcome(), await welcome()];
    for (const client of [slow, quick]) {
        client.say({ type: 'subscribe', topic });
        await client.next('subscribed');
    }
    slow.ws.pause();
    const data = JSON.stringify({ text: 'x'.repeat(4000) });
    for (let n = 0; n < 3000; n += 1) {
        gateway.publish(gateway.log.append(topic, { data }));
        if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await quick.until((one) => one['seq'] === 3000);
    expect(gateway.observed).toContainEqual(expect.objectContaining({ type: 'socket.dropped', reason: 'slow' }));
    slow.ws.resume();
    await slow.until((one) => one['seq'] === 3000);
    for (const client of [slow, quick]) {
        const seqs = client.frames.filter(({ type }) => type === 'event').map((one) => one['seq']);
        expect(seqs).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1));
        client.ws.close();
    }
});

describe('frames a good client does not send', () => {
    test('a binary message says why, then 4400', async () => {
        const client = await welcome();
        client.ws.send(Buffer.from('{"type":"ping"}'));
        expect(await client.next('error')).toMatchObject({ code: 'bad_request' });
        expect((await client.end()).code).toBe(4400);
    });

    test('thousands of random messages end nothing but at most their own socket', async () => {
        const healthy = await welcome();
        const client = await welcome();
        let random = 42;
        for (let n = 0; n < 900; n += 1) {
            random = (random * 1_103_515_245 + 12_345) & 0x7fffffff;
            client.ws.send(
                JSON.stringify({ type: 'subscribe', topic: `p:${random}`, x: [random] }).slice(0, random % 60),
            );
        }
        client.say({ type: 'ping', ref: 'end' });
        await client.until((one) => one['ref'] === 'end');
        healthy.say({ type: 'ping' });
        await healthy.next('pong');
        for (const one of [client, healthy]) one.ws.close();
    });
});

test('pings answer to a quiet client, and a silent peer is closed', async () => {
    const brisk = await startGateway({ settings: { heartbeatMs: 5000 } });
    const url = `/ws?token=${await brisk.token()}`;
    const started = Date.now();
    const raw = await rawSocket(brisk.port, url);
    raw.resume();
    const lively = await openClient(`ws://127.0.0.1:${brisk.port}${url}`);
    await inTime(once(raw, 'close'), () => 'a close', 15_000);
    expect(Date.now() - started).toBeLessThan(10_500);
    lively.say({ type: 'ping' });
    await lively.next('pong');
    await brisk.stop();
});

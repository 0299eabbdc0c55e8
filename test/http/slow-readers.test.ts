import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../src/socket/index.ts';
import { type Client, inTime, openClient, rawSocket, until } from './client.ts';
import { type Gateway, startGateway } from './gateway.ts';

const LIMIT = 100_000;
const REPLAY_LIMIT = 4000;
const STALL_DEADLINE_MS = 2500;
/** Some 4 kB a frame: a thousand of them fill the kernel's buffers and the socket's limit. */
const DATA = JSON.stringify({ text: 'x'.repeat(4000) });

let gateway: Gateway;
const sessions: Session[] = [];

beforeAll(async () => {
    const limits = { wsMaxBackpressureBytes: LIMIT, replayLimit: REPLAY_LIMIT, stallDeadlineMs: STALL_DEADLINE_MS };
    gateway = await startGateway({ settings: limits });
    const { open } = gateway.sessions;
    gateway.sessions.open = (...connection) => {
        const session = open(...connection);
        sessions.push(session);
        return session;
    };
});
afterAll(async () => await gateway.stop());

async function subscriber(topic: string): Promise<Client> {
    const client = await openClient(`${gateway.socketUrl}?token=${await gateway.token()}`);
    client.say({ type: 'subscribe', topic });
    await client.next('subscribed');
    return client;
}

/** A peer that has subscribed and then reads nothing any more, as the kernel lets it. */
async function stalled(topic: string): Promise<{ readonly socket: Socket; readonly session: Session }> {
    const socket = await rawSocket(gateway.port, `/ws?token=${await gateway.token()}`);
    const session = sessions.at(-1);
    if (session === undefined) throw new Error('expected a session');
    const body = Buffer.from(JSON.stringify({ type: 'subscribe', topic }));
    const readers = gateway.hub.readers(topic);
    socket.pause();
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]));
    await until(() => gateway.hub.readers(topic) > readers, 'the topic to be joined');
    return { socket, session };
}

/** Publishes as a busy tail would: a few rows a turn. */
async function flood(topic: string, count: number): Promise<void> {
    for (let n = 0; n < count; n += 10) {
        const batches = Array.from({ length: 10 }, () => gateway.log.append(topic, { data: DATA }).events).flat();
        gateway.publish({ events: batches, epoch: gateway.log.epoch, gseq: gateway.log.gseq });
        await new Promise((resolve) => setImmediate(resolve));
    }
}

function seqsOf(client: Client): unknown[] {
    return client.frames.filter(({ type }) => type === 'event').map(({ seq }) => seq);
}

function span(from: number, to: number): number[] {
    return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function endOf(session: Session): number | undefined {
    const ends = gateway.observed.flatMap((seen) => (seen.type === 'socket.closed' ? [seen] : []));
    return ends.find(({ connection }) => connection === session.id)?.code;
}

test('stalled readers hold what they may and delay nobody, and are closed with 4508 when they take nothing', async () => {
    const topic = 'project:flood';
    const stuck = [await stalled(topic), await stalled(topic), await stalled(topic)];
    const healthy = await subscriber(topic);
    await flood(topic, 3000);
    await healthy.until(({ seq, type }) => type === 'event' && seq === 3000);
    expect(seqsOf(healthy)).toEqual(span(1, 3000));
    // What one turn handed over before the transport said that it piles up: its cork and one frame.
    for (const { session } of stuck) expect(session.bufferedBytes).toBeLessThan(LIMIT + 2 * 16_384);
    for (const { session } of stuck) expect(session.bufferedBytes).toBeGreaterThan(LIMIT / 2);
    await until(() => stuck.every(({ session }) => endOf(session) === 4508), 'the stalled to be closed');
    healthy.say({ type: 'ping' });
    await healthy.next('pong');
    for (const { socket } of stuck) socket.destroy();
    healthy.ws.close();
});

test('a reader that reads a little at a time is not closed, and gets everything in order', async () => {
    const topic = 'project:trickle';
    const slow = await subscriber(topic);
    slow.ws.pause();
    const startedMs = Date.now();
    await flood(topic, 3000);
    // The kernel tells of room in steps of a third of its buffer, so a little is some 100 kB.
    while (Date.now() - startedMs < 2 * STALL_DEADLINE_MS && seqsOf(slow).length < 3000) {
        slow.ws.resume();
        await inTime(new Promise((resolve) => slow.ws.once('message', resolve)), () => 'a frame');
        slow.ws.pause();
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    slow.ws.resume();
    await slow.until(({ seq, type }) => type === 'event' && seq === 3000);
    expect(seqsOf(slow)).toEqual(span(1, 3000));
    slow.ws.close();
});

test('a reader that is too far behind is told to reload, and goes on live', async () => {
    const topic = 'project:lag';
    const slow = await subscriber(topic);
    slow.ws.pause();
    await flood(topic, REPLAY_LIMIT + 2000);
    slow.ws.resume();
    const reset = await slow.next('reset');
    expect(reset).toMatchObject({ topic, reason: 'lag' });
    const seq = Number(reset['seq']);
    expect(seq).toBeGreaterThan(REPLAY_LIMIT);
    await flood(topic, 10);
    await slow.until((frame) => frame.type === 'event' && frame['seq'] === REPLAY_LIMIT + 2010);
    const seqs = seqsOf(slow).map(Number);
    const place = seqs.findIndex((one) => one > seq);
    expect(seqs.slice(0, place)).toEqual(span(1, place));
    expect(seqs.slice(place)).toEqual(span(seq + 1, REPLAY_LIMIT + 2010));
    slow.ws.close();
});

import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/event.ts';
import { type AccessChange, createHub, type Delivery, type Floor, Ring, type Sink } from '../../src/fanout/index.ts';
import { rowOf, seqsOf } from './rows.ts';

class Ear implements Sink {
    readonly heard: Delivery[] = [];
    readonly floors: Floor[] = [];
    readonly failures: unknown[] = [];
    onDeliver: (delivery: Delivery) => void = () => undefined;

    deliver(delivery: Delivery): void {
        this.heard.push(delivery);
        this.onDeliver(delivery);
    }
    floor(floor: Floor): void {
        this.floors.push(floor);
    }
    failed(error: unknown): void {
        this.failures.push(error);
    }
}

function row(gseq: number, topic: string, seq: number, more: Partial<LoggedEvent> = {}): LoggedEvent {
    return rowOf(topic, seq, { gseq, id: '7', data: '{"a": 1}', ...more });
}

function batch(...events: LoggedEvent[]) {
    return { events, epoch: 'k1', gseq: events.at(-1)?.gseq ?? 0 };
}

describe('createHub', () => {
    test('hands one encoded frame to every sink of the topic, in order, and to nobody else', () => {
        const hub = createHub();
        const [a, b, stranger] = [new Ear(), new Ear(), new Ear()];
        hub.join('project:1', a);
        hub.join('project:1', b);
        hub.join('project:2', stranger);
        hub.publish(batch(row(5, 'project:1', 1), row(6, 'project:3', 1), row(7, 'project:1', 2)));
        expect(a.heard.map(({ seq, gseq }) => [seq, gseq])).toEqual([
            [1, 5],
            [2, 7],
        ]);
        expect(b.heard).toEqual(a.heard);
        expect(b.heard[0]?.frame).toBe(a.heard[0]?.frame);
        expect(stranger.heard).toEqual([]);
        expect(a.heard[0]?.frame.toString()).toBe(
            '{"type":"event","topic":"project:1","seq":1,"event":"task.updated","id":"7",' +
                '"at":"2026-11-22T10:00:00.000Z","actorId":null,"data":{"a": 1}}',
        );
    });

    test('puts every row into the ring before its readers hear of it, also where there are none', () => {
        const ring = new Ring();
        const hub = createHub({}, ring);
        const ear = new Ear();
        const held: unknown[] = [];
        ear.onDeliver = ({ topic, seq }) => held.push(seqsOf(ring.read({ topic, base: 'k1', after: 0, upto: seq }, 9)));
        hub.join('project:1', ear);
        hub.publish(batch(row(5, 'project:1', 1), row(6, 'project:3', 1), row(7, 'project:1', 2)));
        hub.publish(batch(row(8, 'tidings:access', 1, { data: '{"user":"7","topic":null}' })));
        expect(held).toEqual([[1], [1, 2]]);
        expect(ring.length).toBe(3);
        const [first] = ring.read({ topic: 'project:1', base: 'k1', after: 0, upto: 1 }, 9);
        expect(first).toBe(ear.heard[0]);
    });

    test('a topic without readers is not kept', () => {
        const hub = createHub();
        const ear = new Ear();
        hub.join('project:1', ear);
        hub.leave('project:1', ear);
        hub.leave('project:1', ear);
        hub.leave('project:9', ear);
        expect(hub.readers('project:1')).toBe(0);
        hub.publish(batch(row(1, 'project:1', 1)));
        expect(ear.heard).toEqual([]);
    });

    test('joining and leaving while a batch is handed on is safe', () => {
        const hub = createHub();
        const [a, b, late] = [new Ear(), new Ear(), new Ear()];
        hub.join('project:1', a);
        hub.join('project:1', b);
        a.onDeliver = ({ seq }) => {
            if (seq !== 1) return;
            hub.leave('project:1', a);
            hub.leave('project:1', b);
            hub.join('project:1', late);
        };
        hub.publish(batch(row(1, 'project:1', 1), row(2, 'project:1', 2)));
        expect([a, b].map(({ heard }) => heard.length)).toEqual([1, 0]);
        expect(late.heard.at(-1)?.seq).toBe(2);
    });

    test('a sink that throws is let go and told; the others hear everything', () => {
        const hub = createHub();
        const [bad, good] = [new Ear(), new Ear()];
        bad.onDeliver = () => {
            throw new Error('poison');
        };
        hub.join('project:1', bad);
        hub.join('project:1', good);
        hub.publish(batch(row(1, 'project:1', 1), row(2, 'project:1', 2)));
        expect(bad.failures).toEqual([new Error('poison')]);
        expect([bad.heard.length, good.heard.length]).toEqual([1, 2]);
    });

    test('a reset row becomes a delivery with a reason and no frame', () => {
        const hub = createHub();
        const ear = new Ear();
        hub.join('project:1', ear);
        hub.publish(batch(row(1, 'project:1', 1, { event: 'tidings.reset', data: '{"reason":"capture_error"}' })));
        expect(ear.heard[0]).toMatchObject({ reset: 'capture_error', seq: 1 });
        expect(ear.heard[0]?.frame.length).toBe(0);
    });

    test.each([
        ['{"kind":"project","reason":"capture_error"}', ['project:1']],
        ['{"kind":null,"reason":"capture_error"}', ['project:1', 'user:7']],
        ['not json', ['project:1', 'user:7']],
    ])('a floor row %s reaches the sinks of its kind', (data, expected) => {
        const hub = createHub();
        const ears = { 'project:1': new Ear(), 'user:7': new Ear() };
        for (const [topic, ear] of Object.entries(ears)) hub.join(topic, ear);
        hub.publish(batch(row(9, 'tidings:control', 4, { event: 'tidings.floor', data })));
        const reached = Object.entries(ears).filter(([, ear]) => ear.floors.length > 0);
        expect(reached.map(([topic]) => topic)).toEqual(expected);
        expect(reached[0]?.[1].floors[0]).toMatchObject({
            gseq: 9,
            base: 'k1',
            epoch: 'k1.9',
            reason: 'capture_error',
        });
    });

    test('access and disconnect rows go to callbacks, in their place in the stream', () => {
        const order: unknown[] = [];
        const hub = createHub({
            onAccess: (change: AccessChange) => order.push(change),
            onDisconnect: (userId: string) => order.push(userId),
        });
        const ear = new Ear();
        ear.onDeliver = ({ gseq }) => order.push(gseq);
        hub.join('project:1', ear);
        hub.publish(
            batch(
                row(1, 'project:1', 1),
                row(2, 'tidings:access', 1, { data: '{"user":"7","topic":"project:1"}' }),
                row(3, 'project:1', 2),
                row(4, 'tidings:access', 2, { data: '{"user":"7","topic":null,"reason":"deleted"}' }),
                row(5, 'tidings:control', 1, { event: 'tidings.disconnect', data: '{"user":"7"}' }),
                row(6, 'tidings:access', 3, { data: '{}' }),
            ),
        );
        expect(order).toEqual([
            1,
            { userId: '7', topic: 'project:1', gseq: 2, reason: 'revoked' },
            2 + 1,
            { userId: '7', topic: null, gseq: 4, reason: 'deleted' },
            '7',
        ]);
    });

    test('rows about somebody who was forgotten are obeyed by pseudonym, where their user is here', () => {
        const order: unknown[] = [];
        const hub = createHub({
            onAccess: ({ userId, topic }: AccessChange) => order.push([userId, topic]),
            onDisconnect: (userId: string) => order.push(userId),
            onForgotten: () => order.push('forgotten'),
            userBehind: (pseudonym) => (pseudonym === 'p7' ? '7' : undefined),
        });
        const forgotten = { event: 'tidings.forgotten' };
        hub.publish(
            batch(
                row(1, 'tidings:access', 1, { data: '{"pseudonym":"p7","topic":"project:1"}' }),
                row(2, 'tidings:control', 1, { ...forgotten, data: '{"pseudonym":"p7"}' }),
                row(3, 'tidings:access', 2, { data: '{"pseudonym":"p8","topic":"project:1"}' }),
                row(4, 'tidings:control', 2, { ...forgotten, data: '{"pseudonym":"p8"}' }),
                row(5, 'tidings:control', 3, { event: 'tidings.disconnect', data: '{"pseudonym":"p7"}' }),
            ),
        );
        expect(order).toEqual([['7', 'project:1'], 'forgotten', '7', 'forgotten', '7']);
    });

    test('reserved rows are delivered to nobody, not even to one who joined their topic', () => {
        const hub = createHub();
        const ear = new Ear();
        hub.join('tidings:access', ear);
        hub.publish(batch(row(2, 'tidings:access', 1, { data: '{"user":"7","topic":null}' })));
        expect(ear.heard).toEqual([]);
    });
});

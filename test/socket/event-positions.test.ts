import { expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/event.ts';
import { encodeEvent, encodeFrame, type ServerFrame } from '../../src/protocol/index.ts';
import { markOf, parseEventId } from '../../src/socket/event-id.ts';
import { EventPositions } from '../../src/socket/event-positions.ts';

const [A, B] = ['project:1', 'user:auth0|ann'];

function event(topic: string, seq: number): Buffer {
    const row: LoggedEvent = {
        gseq: 1,
        topic,
        seq,
        id: '1',
        event: 'thing.happened',
        at: '2026-11-22T10:00:00.000Z',
        actorId: 'ünï',
        data: '{"type":"event","topic":"other:1","seq":9}',
        requestId: null,
        traceparent: null,
    };
    return Buffer.from(encodeEvent(row));
}

/** Notes frames; answers the places in the last id. */
function placesAfter(positions: EventPositions, ...frames: (ServerFrame | Buffer)[]) {
    let id: string | null = null;
    for (const frame of frames) id = positions.note(Buffer.isBuffer(frame) ? frame : encodeFrame(frame));
    const known = parseEventId(id ?? '');
    return Object.fromEntries([A, B].map((topic) => [topic, known?.get(markOf(topic)) ?? null]));
}

function subscribed(
    topic: string,
    seq: number,
    outcome: 'live' | 'resumed' | 'reset' = 'live',
    epoch = 'k1',
): ServerFrame {
    return { type: 'subscribed', topic, seq, epoch, outcome };
}

test('only events have an id, with the places of all topics', () => {
    const positions = new EventPositions(new Map([A, B].map((topic) => [topic, null])));
    expect(positions.note(encodeFrame(subscribed(A, 4)))).toBeNull();
    expect(positions.note(encodeFrame(subscribed(B, 7)))).toBeNull();
    expect(placesAfter(positions, event(A, 5))).toEqual({ [A]: { seq: 5, epoch: 'k1' }, [B]: { seq: 7, epoch: 'k1' } });
});

test('a topic that resumes is where the client was until its events come', () => {
    const since = { seq: 3, epoch: 'k1' };
    const positions = new EventPositions(
        new Map([
            [A, null],
            [B, since],
        ]),
    );
    expect(placesAfter(positions, subscribed(A, 4), event(A, 5))).toMatchObject({ [B]: since });
    expect(placesAfter(positions, subscribed(B, 9, 'resumed'), event(A, 6))).toMatchObject({ [B]: since });
    expect(placesAfter(positions, event(B, 4))).toMatchObject({ [A]: { seq: 6 }, [B]: { seq: 4 } });
});

test('a topic without a place is in no id before it has its answer', () => {
    const positions = new EventPositions(new Map([A, B].map((topic) => [topic, null])));
    expect(placesAfter(positions, subscribed(A, 4), event(A, 5))).toEqual({ [A]: { seq: 5, epoch: 'k1' }, [B]: null });
});

test('a reset, first or later, moves to where one goes on', () => {
    const positions = new EventPositions(new Map([[A, { seq: 3, epoch: 'old' }]]));
    expect(placesAfter(positions, subscribed(A, 9, 'reset', 'new'), event(A, 10))).toMatchObject({
        [A]: { seq: 10, epoch: 'new' },
    });
    const reset: ServerFrame = { type: 'reset', topic: A, seq: 20, epoch: 'new.7', reason: 'capture_error' };
    expect(placesAfter(positions, reset, event(A, 21))).toMatchObject({ [A]: { seq: 21, epoch: 'new.7' } });
});

test('what ended or was refused is in no id', () => {
    const positions = new EventPositions(new Map([A, B].map((topic) => [topic, { seq: 1, epoch: 'k1' }])));
    const message = 'expected a topic you may read';
    const refused: ServerFrame = { type: 'error', code: 'forbidden', message, topic: B };
    expect(placesAfter(positions, refused, subscribed(A, 4), event(A, 5))).toMatchObject({ [B]: null });
    const ended: ServerFrame = { type: 'unsubscribed', topic: A, reason: 'revoked' };
    expect(placesAfter(positions, ended, subscribed(B, 4), event(B, 5))).toEqual({
        [A]: null,
        [B]: { seq: 5, epoch: 'k1' },
    });
});

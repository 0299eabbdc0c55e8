import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/event.ts';
import { echo, encodeEvent, encodeFrame } from '../../src/protocol/index.ts';

const event: LoggedEvent = {
    gseq: 9,
    topic: 'project:17',
    seq: 129,
    event: 'task.updated',
    id: '4711',
    at: '2026-11-22T10:00:00.000Z',
    actorId: '42',
    data: '{"id": "9", "changes": {"title": "\\u00e9"}}',
    requestId: null,
    traceparent: null,
};

describe('encodeEvent', () => {
    test('puts the data in as it is, to the byte', () => {
        expect(encodeEvent(event)).toBe(
            '{"type":"event","topic":"project:17","seq":129,"event":"task.updated","id":"4711",' +
                '"at":"2026-11-22T10:00:00.000Z","actorId":"42","data":{"id": "9", "changes": {"title": "\\u00e9"}}}',
        );
    });

    test('carries requestId and traceparent only if there are any', () => {
        const both = encodeEvent({ ...event, requestId: 'r', traceparent: '00-a-b-01' });
        expect(JSON.parse(both)).toMatchObject({ requestId: 'r', traceparent: '00-a-b-01' });
        expect(Object.keys(JSON.parse(encodeEvent(event)) as object)).not.toContain('requestId');
    });

    test('what a writer can set does not break out of its string', () => {
        const text = fc.option(fc.string({ unit: 'binary' }));
        fc.assert(
            fc.property(text, text, text, fc.json(), (actorId, requestId, traceparent, data) => {
                const frame = JSON.parse(encodeEvent({ ...event, actorId, requestId, traceparent, data })) as Record<
                    string,
                    unknown
                >;
                expect(frame['actorId']).toBe(actorId);
                expect(frame['requestId'] ?? null).toBe(requestId);
                expect(frame['data']).toEqual(JSON.parse(data));
                expect(frame['topic']).toBe(event.topic);
            }),
        );
    });
});

describe('encodeFrame', () => {
    test('leaves out an absent ref', () => {
        expect(encodeFrame({ type: 'pong', ...echo(null) })).toBe('{"type":"pong"}');
        expect(encodeFrame({ type: 'pong', ...echo('') })).toBe('{"type":"pong","ref":""}');
    });

    test('echoes any ref exactly', () => {
        fc.assert(
            fc.property(fc.string({ unit: 'binary' }), (ref) => {
                expect(JSON.parse(encodeFrame({ type: 'pong', ...echo(ref) }))).toEqual({ type: 'pong', ref });
            }),
        );
    });
});

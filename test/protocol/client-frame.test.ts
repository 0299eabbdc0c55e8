import { describe, expect, test } from 'vitest';
import { parseClientFrame } from '../../src/protocol/index.ts';

const RULE = 'expected topic to be <kind>:<id> (kind [a-z][a-z0-9_]{0,31}, id 1 to 128 of A-Z a-z 0-9 _ . @ | : + -)';

function parse(frame: unknown) {
    return parseClientFrame(typeof frame === 'string' ? frame : JSON.stringify(frame));
}

describe('parseClientFrame', () => {
    test('reads every frame of the contract', () => {
        const since = { seq: 128, epoch: 'k3' };
        expect(parse({ type: 'subscribe', topic: 'project:17', since: 128, epoch: 'k3', ref: 'a' })).toEqual({
            type: 'subscribe',
            items: [{ ok: true, topic: 'project:17', since }],
            ref: 'a',
        });
        expect(
            parse({
                type: 'subscribe',
                topics: [{ topic: 'project:17', since: 128, epoch: 'k3' }, { topic: 'user:7' }],
            }),
        ).toEqual({
            type: 'subscribe',
            items: [
                { ok: true, topic: 'project:17', since },
                { ok: true, topic: 'user:7', since: null },
            ],
            ref: null,
        });
        expect(parse({ type: 'unsubscribe', topic: 'project:17', ref: 'c' })).toEqual({
            type: 'unsubscribe',
            topic: 'project:17',
            ref: 'c',
        });
        expect(parse({ type: 'auth', token: 't', ref: 'd' })).toEqual({ type: 'auth', token: 't', ref: 'd' });
        expect(parse({ type: 'ping', ref: '' })).toEqual({ type: 'ping', ref: '' });
    });

    test.each([
        ['{', 'expected a JSON object, got text that is not JSON'],
        ['[]', 'expected a JSON object, got a list of 0'],
        ['null', 'expected a JSON object, got null'],
        ['"x"', 'expected a JSON object, got "x"'],
        [{}, 'expected type to be subscribe, unsubscribe, auth or ping, got nothing'],
        [{ type: 'toString' }, 'expected type to be subscribe, unsubscribe, auth or ping, got "toString"'],
        [{ type: 7 }, 'expected type to be subscribe, unsubscribe, auth or ping, got 7'],
        [{ type: 'ping', ref: 7 }, 'expected ref to be a string, got 7'],
        [{ type: 'ping', ref: null }, 'expected ref to be a string, got null'],
        [{ type: 'ping', ref: 'é'.repeat(33) }, 'expected ref to be at most 64 bytes, got 66'],
        [{ type: 'ping', token: 't' }, 'expected only the fields type, ref, got "token"'],
        [{ type: 'auth' }, 'expected token to be a string that is not empty'],
        [{ type: 'auth', token: '' }, 'expected token to be a string that is not empty'],
        [{ type: 'subscribe' }, `${RULE}, got nothing`],
        [{ type: 'subscribe', topic: 'Project:1' }, `${RULE}, got "Project:1"`],
        [{ type: 'subscribe', topic: 'project:' }, `${RULE}, got "project:"`],
        [{ type: 'subscribe', topic: 'project:1\n' }, `${RULE}, got "project:1\\n"`],
        [{ type: 'subscribe', topic: 'project:1', since: 1 }, 'expected since and epoch together, got only since'],
        [{ type: 'subscribe', topic: 'project:1', epoch: 'k' }, 'expected since and epoch together, got only epoch'],
        [
            { type: 'subscribe', topic: 'project:1', since: -1, epoch: 'k' },
            'expected since to be a whole number from 0, got -1',
        ],
        [
            { type: 'subscribe', topic: 'project:1', since: 1.5, epoch: 'k' },
            'expected since to be a whole number from 0, got 1.5',
        ],
        [
            { type: 'subscribe', topic: 'project:1', since: '1', epoch: 'k' },
            'expected since to be a whole number from 0, got "1"',
        ],
        [
            '{"type":"subscribe","topic":"project:1","since":1e400,"epoch":"k"}',
            'expected since to be a whole number from 0, got null',
        ],
        [
            { type: 'subscribe', topic: 'project:1', since: 1, epoch: '' },
            'expected epoch to be a string of 1 to 128, got ""',
        ],
        [
            { type: 'subscribe', topics: [] },
            'expected topics to be a list of at least one {topic, since?, epoch?}, got a list of 0',
        ],
        [
            { type: 'subscribe', topics: {} },
            'expected topics to be a list of at least one {topic, since?, epoch?}, got an object',
        ],
        [
            { type: 'subscribe', topics: [], topic: 'a:1' },
            'expected either topic (with since and epoch) or topics, got both',
        ],
        [
            { type: 'subscribe', topic: 'a:1', sinse: 4 },
            'expected only the fields type, ref, topic, since, epoch, topics, got "sinse"',
        ],
        [{ type: 'unsubscribe', topic: 'a:1', since: 4 }, 'expected only the fields type, ref, topic, got "since"'],
        ['{"type":"ping","__proto__":{}}', 'expected only the fields type, ref, got "__proto__"'],
    ])('%j is invalid: %s', (frame, message) => {
        expect(parse(frame)).toMatchObject({ type: 'invalid', message });
    });

    test('an invalid frame keeps a ref that could be read, and a topic short enough to echo', () => {
        expect(parse({ type: 'subscribe', topic: 'X', ref: 'r' })).toMatchObject({
            type: 'invalid',
            ref: 'r',
            topic: 'X',
        });
        expect(parse({ type: 'subscribe', topic: 'x'.repeat(300), ref: 'r' })).toMatchObject({ ref: 'r', topic: null });
        expect(parse({ type: 'ping', ref: 'x'.repeat(65) })).toMatchObject({ type: 'invalid', ref: null });
    });

    test('each topic of a batch is judged by itself', () => {
        const frame = parse({
            type: 'subscribe',
            topics: [{ topic: 'a:1' }, { topic: 'A' }, 7, { topic: 'b:2', ref: 'x' }],
        });
        expect(frame.type === 'subscribe' && frame.items.map(({ ok, topic }) => [ok, topic])).toEqual([
            [true, 'a:1'],
            [false, 'A'],
            [false, null],
            [false, 'b:2'],
        ]);
    });
});

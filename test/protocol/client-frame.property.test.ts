/** The parser of client frames under fast-check: whatever comes, what must hold of it holds. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClientFrame } from '../../src/protocol/index.ts';
import { fuzzParser } from '../fuzz/parser.ts';
import { wrongWith } from '../fuzz/parser-oracle.ts';

const topic = fc
    .tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/), fc.stringMatching(/^[A-Za-z0-9_.@|:+-]{1,128}$/))
    .map(([kind, id]) => `${kind}:${id}`);
const epoch = fc.string({ minLength: 1, maxLength: 128 });
const item = fc.oneof(fc.record({ topic }), fc.record({ topic, since: fc.maxSafeNat(), epoch }));
const ref = fc.option(
    fc.string({ unit: 'grapheme-ascii', maxLength: 64 }).map((text) => ({ ref: text })),
    { nil: {} },
);
const valid: fc.Arbitrary<Record<string, unknown>> = fc
    .tuple(
        fc.oneof(
            item.map((one) => ({ type: 'subscribe', ...one })),
            fc.array(item, { minLength: 1, maxLength: 5 }).map((topics) => ({ type: 'subscribe', topics })),
            topic.map((one) => ({ type: 'unsubscribe', topic: one })),
            fc.string({ minLength: 1 }).map((token) => ({ type: 'auth', token })),
            fc.constant({ type: 'ping' }),
        ),
        ref,
    )
    .map(([frame, echoed]) => ({ ...frame, ...echoed }));

const name = fc.oneof(
    fc.constantFrom(
        'type',
        'topic',
        'topics',
        'since',
        'epoch',
        'ref',
        'token',
        '__proto__',
        'constructor',
        'toString',
    ),
    fc.string(),
);
const number = fc.oneof(fc.double(), fc.constantFrom(-0, 2 ** 53, 2 ** 64, 1e308, -1));
const value = fc.oneof(fc.jsonValue(), number, fc.string({ unit: 'binary', maxLength: 3000 }));
/** A right frame with a field set to something else, or twice there. */
const spoilt = fc.tuple(valid, name, value, fc.boolean()).map(([frame, field, other, isTwice]) => {
    const more = `${JSON.stringify(field)}:${JSON.stringify(other)}`;
    if (isTwice) return `${JSON.stringify(frame).slice(0, -1)},${more}}`;
    return JSON.stringify(Object.fromEntries([...Object.entries(frame), [field, other]]));
});

const NO_LIMIT = 60_000;

describe('whatever text comes, the parser does not throw and answers in bounds:', () => {
    test.each([
        ['any text', fc.string({ unit: 'binary', maxLength: 500 })],
        ['any JSON', fc.json()],
        ['a frame with a field that is not as it should be', spoilt],
        ['a right frame, which it reads', valid.map((frame) => JSON.stringify(frame))],
    ])('%s', (_, text: fc.Arbitrary<string>) => {
        const holds = fc.property(text, (one) => {
            expect(wrongWith(one)).toBeNull();
        });
        fc.assert(holds, { numRuns: 3000 });
    });

    test('a right frame is never invalid', () => {
        fc.assert(
            fc.property(valid, (frame) => {
                expect(parseClientFrame(JSON.stringify(frame))).toMatchObject({ type: frame['type'] });
            }),
            { numRuns: 3000 },
        );
    });

    test.each([
        ['lists', '[', ']'],
        ['objects', '{"a":', '}'],
        ['lists in a frame', '{"type":"subscribe","topics":[', ']}'],
    ])('%s, a hundred thousand deep, closed or not', (_, open, close) => {
        const deep = `${open.repeat(100_000)}1`;
        expect(wrongWith(deep)).toBeNull();
        expect(wrongWith(deep + close.repeat(100_000))).toBeNull();
    });

    test('names of Object.prototype are fields like any other', () => {
        for (const field of Object.getOwnPropertyNames(Object.prototype)) {
            expect(parseClientFrame(`{"type":"ping","${field}":{"polluted":1}}`)).toMatchObject({ type: 'invalid' });
            expect(parseClientFrame(`{"type":"${field}"}`)).toMatchObject({ type: 'invalid' });
            expect(wrongWith(`{"__proto__":{"type":"ping","ref":1},"${field}":1}`)).toBeNull();
        }
        expect(parseClientFrame('{"__proto__":{"type":"ping"}}')).toMatchObject({ type: 'invalid' });
    });

    test('texts bred for what they reach in it', async () => {
        const { crashes } = await fuzzParser({ inputs: 20_000, seed: 7, mostMs: NO_LIMIT });
        expect(crashes).toEqual([]);
    });
});

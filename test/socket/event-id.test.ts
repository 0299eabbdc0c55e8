import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatEventId, markOf, parseEventId } from '../../src/socket/event-id.ts';

const topics = Array.from({ length: 100 }, (_, n) => `project:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);

/** What a client brings back of these places. */
function roundTrip(places: readonly (readonly [topic: string, seq: number, epoch: string])[]) {
    return parseEventId(formatEventId(places.map(([topic, seq, epoch]) => [markOf(topic), { seq, epoch }])));
}

describe('an id', () => {
    test('says where one is in every topic', () => {
        fc.assert(
            fc.property(
                fc.uniqueArray(fc.constantFrom(...topics), { minLength: 1 }),
                fc.array(fc.maxSafeNat(), { minLength: 100, maxLength: 100 }),
                fc.array(fc.constantFrom('k1', 'k1.12', '75cb7aeb991e', 'k1.9007199254740991'), {
                    minLength: 100,
                    maxLength: 100,
                }),
                (some, seqs, epochs) => {
                    const places = some.map((topic, n) => [topic, seqs[n] ?? 0, epochs[n] ?? ''] as const);
                    const known = roundTrip(places);
                    for (const [topic, seq, epoch] of places) {
                        expect(known?.get(markOf(topic))).toEqual({ seq, epoch });
                    }
                    expect(known?.size).toBe(places.length);
                },
            ),
        );
    });

    test('of a hundred topics fits the head of a request, with a token and a path beside it', () => {
        const id = formatEventId(topics.map((topic) => [markOf(topic), { seq: 1_000_000, epoch: '75cb7aeb991e' }]));
        expect(id.length).toBeLessThan(1500);
        expect(id).toMatch(/^[!-~]+$/);
    });

    test('changes with every event', () => {
        const at = (seq: number) => formatEventId([[markOf('project:1'), { seq, epoch: 'k1' }]]);
        expect(at(35)).not.toBe(at(36));
    });
});

test.each([
    '',
    '42',
    '2;k1;aaaaaaaa1',
    '1;k1',
    '1;k1;',
    '1;;aaaaaaaa1',
    '1;k 1;aaaaaaaa1',
    '1;k1;aaaaaaaa1;',
    '1;k1;aaaaaaa1',
    '1;k1;aaaaaaaaZ',
    '1;k1;aaaaaaaa1.1',
    '1;k1;aaaaaaaa1,',
    '1;k1;aaaaaaaazzzzzzzzzzz',
    `1;${'k'.repeat(129)};aaaaaaaa1`,
    '1;k1;aaaaaaaa1\n',
])('%j is none', (id) => {
    expect(parseEventId(id)).toBeNull();
});

test('any text can be read or can’t, and never throws', () => {
    fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom(...'1;k~,.aZ-_09'), maxLength: 60 }), (id) => {
            const known = parseEventId(id);
            for (const { seq, epoch } of known?.values() ?? []) {
                expect(Number.isSafeInteger(seq) && seq >= 0 && epoch.length > 0).toBe(true);
            }
        }),
    );
});

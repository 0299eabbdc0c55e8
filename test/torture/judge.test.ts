/** The judge against histories made by hand: it finds nothing wrong in a right one, and names what is wrong in any other. */

import { describe, expect, test } from 'vitest';
import type { AccessChange, History, Item, Logged, Outcome } from './history.ts';
import { judge } from './judge.ts';

const TOPIC = 'room:1';

/** Transaction `n` of the writer, begun at that time, writes version `n` of row 1. */
const keyOf = (n: number) => `0.${n}@${n}`;
const logged = (n: number, more: Partial<Logged> = {}): Logged => ({
    gseq: n,
    topic: TOPIC,
    seq: n,
    id: String(n),
    event: 'item.updated',
    key: keyOf(n),
    row: 1,
    version: n,
    ...more,
});
const event = (n: number, more: Partial<Item & { kind: 'event' }> = {}): Item => ({
    kind: 'event',
    seq: n,
    id: String(n),
    key: keyOf(n),
    row: 1,
    version: n,
    atMs: n,
    ...more,
});
const subscribed = (seq: number, outcome = 'live', since: number | null = null, epoch = 'e1'): Item => ({
    kind: 'subscribed',
    seq,
    epoch,
    outcome,
    since,
    atMs: seq,
});
const granted = (fromMs: number, may = true): AccessChange => ({
    userId: 'ada',
    topic: TOPIC,
    may,
    fromMs,
    toMs: fromMs,
});

type Made = {
    items?: Item[];
    log?: Logged[];
    count?: number;
    access?: AccessChange[];
    committed?: number[];
    outcome?: Partial<Outcome>;
};

/** The kinds of what is wrong with a run of five transactions, all committed, unless said otherwise. */
function wrong({ items, log, count = 5, access = [granted(0)], committed, outcome = {} }: Made): string[] {
    const all = Array.from({ length: count }, (_, n) => n + 1);
    const done = new Set((committed ?? all).map(keyOf));
    const history: History = {
        transactions: all.map((n) => ({
            key: keyOf(n),
            writes: [{ key: keyOf(n), topic: TOPIC, row: 1, version: n }],
            outcome: done.has(keyOf(n)) ? 'committed' : 'rolledBack',
            endedMs: n,
        })),
        access,
        readings: [
            { reader: 'r', userId: 'ada', topic: TOPIC, items: items ?? [subscribed(0), ...all.map((n) => event(n))] },
        ],
        faults: [],
    };
    const { violations } = judge(history, {
        log: log ?? all.map((n) => logged(n)),
        committed: done,
        table: new Map([[1, { topic: TOPIC, version: count }]]),
        epochs: [{ gseq: -1, epoch: 'e1' }],
        captureErrors: 0,
        ...outcome,
    });
    return [...new Set(violations.map(({ kind }) => kind))];
}

describe('a run is right', () => {
    test.each<[string, Made]>([
        ['whose reader has all', {}],
        ['whose reader came late', { items: [subscribed(3), event(4), event(5)] }],
        [
            'whose reader resumed',
            { items: [subscribed(0), event(1), event(2), subscribed(4, 'resumed', 2), event(3), event(4), event(5)] },
        ],
        [
            'whose reader was reset',
            {
                items: [
                    subscribed(0),
                    event(1),
                    { kind: 'reset', seq: 4, epoch: 'e1.9', reason: 'lag', atMs: 4 },
                    event(5),
                ],
            },
        ],
        [
            'whose reader was reset where something was lost',
            {
                log: [1, 2, 3, 4, 5].map((n) => logged(n, n === 3 ? { event: 'tidings.reset' } : {})),
                committed: [1, 2, 4, 5],
                items: [
                    subscribed(0),
                    event(1),
                    event(2),
                    { kind: 'reset', seq: 3, epoch: 'e1', reason: 'capture_error', atMs: 3 },
                    event(4),
                    event(5),
                ],
            },
        ],
        [
            'whose reader was away while revoked',
            {
                access: [granted(0), granted(2.5, false), granted(4.5)],
                items: [
                    subscribed(0),
                    event(1),
                    event(2),
                    { kind: 'unsubscribed', reason: 'revoked', atMs: 3 },
                    subscribed(5, 'resumed', 2),
                    ...[3, 4, 5].map((n) => event(n, { atMs: 6 })),
                ],
            },
        ],
        [
            'in which a capture that failed was owned up to',
            {
                log: [1, 2, 4, 5].map((n, place) => logged(n, { seq: place + 1 })),
                outcome: { captureErrors: 1 },
                items: [subscribed(0), event(1), event(2), event(4, { seq: 3 }), event(5, { seq: 4 })],
            },
        ],
    ])('%s', (_, made) => {
        expect(wrong(made)).toEqual([]);
    });
});

describe('a run is wrong', () => {
    const gone = [1, 2, 4, 5].map((n, place) => logged(n, { seq: place + 1 }));
    const readGone = [subscribed(0), event(1), event(2), event(4, { seq: 3 }), event(5, { seq: 4 })];
    test.each<[string, Made, string[]]>([
        ['that loses an event on the way into the log', { log: gone, items: readGone }, ['lost in the log']],
        [
            'that numbers one twice',
            { log: [...[1, 2, 3, 4, 5].map((n) => logged(n)), logged(5, { seq: 6, gseq: 6 })], items: [subscribed(6)] },
            ['twice in the log', 'row inverted in the log'],
        ],
        [
            'that leaves a gap in the log',
            { log: [1, 2, 3, 4].map((n) => logged(n)).concat(logged(5, { seq: 7 })), items: [subscribed(7)] },
            ['gap in the log'],
        ],
        ['that numbers what was rolled back', { committed: [1, 2, 3, 4] }, ['rolled back and in the log']],
        [
            'that turns two versions of a row round',
            {
                log: [logged(1), logged(2), logged(4, { seq: 3 }), logged(3, { seq: 4 }), logged(5)],
                items: [subscribed(5)],
            },
            ['row inverted in the log'],
        ],
        [
            'whose reader lacks the last',
            { items: [subscribed(0), ...[1, 2, 3, 4].map((n) => event(n))] },
            ['lost', 'final state differs'],
        ],
        ['whose reader never came in', { items: [] }, ['lost']],
        [
            'whose reader lacks one in the middle',
            { items: [subscribed(0), event(1), event(2), event(4), event(5)] },
            ['gap'],
        ],
        [
            'whose reader has one twice',
            { items: [subscribed(0), event(1), event(2), event(2), event(3), event(4), event(5)] },
            ['repeated'],
        ],
        [
            'whose reader has two turned round',
            { items: [subscribed(0), event(1), event(3), event(2), event(4), event(5)] },
            ['gap', 'repeated'],
        ],
        [
            'whose replay overlaps what was live',
            {
                items: [
                    subscribed(0),
                    event(1),
                    event(2),
                    subscribed(2, 'resumed', 2),
                    event(2),
                    event(3),
                    event(4),
                    event(5),
                ],
            },
            ['repeated'],
        ],
        [
            'whose resume begins elsewhere',
            { items: [subscribed(0), event(1), event(2), subscribed(4, 'resumed', 1), event(3), event(4), event(5)] },
            ['resume that is none'],
        ],
        [
            'that resumes in another epoch',
            {
                items: [
                    subscribed(0),
                    event(1),
                    subscribed(4, 'resumed', 1, 'e2'),
                    ...[2, 3, 4, 5].map((n) => event(n)),
                ],
            },
            ['resume that is none', 'reset that is missing'],
        ],
        [
            'that invents an event',
            { items: [subscribed(0), event(1), event(2, { key: 'x@2' }), event(3), event(4), event(5)] },
            ['not in the log'],
        ],
        [
            'that keeps silent about another epoch',
            {
                outcome: {
                    epochs: [
                        { gseq: -1, epoch: 'e1' },
                        { gseq: 3, epoch: 'e2' },
                    ],
                },
            },
            ['reset that is missing'],
        ],
        ['that goes on after a revocation', { access: [granted(0), granted(2.5, false)] }, ['seen after revocation']],
        [
            'that goes on until the next grant',
            { access: [granted(0), granted(2.5, false), granted(3.5)] },
            ['seen after revocation'],
        ],
        [
            'that resets who missed nothing',
            {
                items: [
                    subscribed(0),
                    event(1),
                    { kind: 'reset', seq: 4, epoch: 'e1', reason: 'lag', atMs: 4 },
                    event(5),
                ],
            },
            ['reset for nothing'],
        ],
        [
            'that answers a resume with a reset',
            { items: [subscribed(0), event(1), event(2), subscribed(4, 'reset', 2), event(5)] },
            ['reset for nothing'],
        ],
        ['that lets a stranger in', { access: [], items: [subscribed(5)] }, ['seen by a stranger']],
        [
            'that throws out who may stay',
            {
                items: [
                    subscribed(0),
                    { kind: 'unsubscribed', reason: 'revoked', atMs: 0 },
                    subscribed(0, 'resumed', 0),
                    ...[1, 2, 3, 4, 5].map((n) => event(n)),
                ],
            },
            ['thrown out'],
        ],
    ])('%s', (_, made, kinds) => {
        expect(wrong(made)).toEqual(kinds);
    });
});

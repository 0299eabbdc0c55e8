/** What every TopicLog must do; each implementation's test calls it with a way to fill one. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TopicLog } from '../../src/store/topic-log.ts';

/** A log under test. Topics `project:<id>` may be read by `ann` unless denied; `ids` are valid ids of that kind. */
export type TopicLogFixture = {
    readonly log: TopicLog;
    readonly ids: readonly [string, string, string];
    /** Appends and numbers `count` events `thing.happened {}` on a topic. */
    append(topic: string, count: number): Promise<void>;
    /** Takes `ann`'s right to read a topic. */
    deny(topic: string): Promise<void>;
    /** Records that something was lost in a topic: the row takes the next seq. */
    reset(topic: string): Promise<void>;
    /** Begins another base epoch. */
    renew(): Promise<void>;
    close(): Promise<void>;
};

/** Declares the suite. */
export function topicLogContract(name: string, make: () => Promise<TopicLogFixture>): void {
    describe(`${name} as a TopicLog`, () => {
        let fixture: TopicLogFixture;
        let topic: string;
        let other: string;
        let closed: string;

        beforeAll(async () => {
            fixture = await make();
            [topic, other, closed] = fixture.ids.map((id) => `project:${id}`) as [string, string, string];
            await fixture.append(topic, 5);
            await fixture.append(closed, 2);
            await fixture.deny(closed);
        });
        afterAll(async () => await fixture.close());

        test('pins in the order asked', async () => {
            const asked = [topic, other, 'user:ann'].map((name) => ({ userId: 'ann', topic: name, since: null }));
            const pins = await fixture.log.pin(asked);
            expect(pins.map(({ allowed, head }) => [allowed, head])).toEqual([
                [true, 5],
                [true, 0],
                [true, 0],
            ]);
        });

        test('pins of one call share epoch and gseq', async () => {
            const pins = await fixture.log.pin(
                [topic, other].map((name) => ({ userId: 'ann', topic: name, since: 0 })),
            );
            expect(pins[0]?.epoch).toBe(pins[1]?.epoch);
            expect(pins[0]?.gseq).toBe(pins[1]?.gseq);
            expect(typeof pins[0]?.gseq).toBe('number');
            expect(pins[0]?.epoch).toMatch(/^[^.]+$/);
        });

        test.each([
            [0, true],
            [3, true],
            [5, true],
            [6, false],
        ])('since %i of 5 is resumable: %s', async (since, resumable) => {
            const [pin] = await fixture.log.pin([{ userId: 'ann', topic, since }]);
            expect(pin?.resumable).toBe(resumable);
        });

        test.each(['user:bob', 'nosuchkind:1', 'tidings:access'])('denies %s', async (name) => {
            const [pin] = await fixture.log.pin([{ userId: 'ann', topic: name, since: null }]);
            expect(pin).toMatchObject({ allowed: false, head: 0 });
        });

        test('denies a topic the user may not read, and says nothing of its head', async () => {
            const [pin] = await fixture.log.pin([{ userId: 'ann', topic: closed, since: null }]);
            expect(pin).toMatchObject({ allowed: false, head: 0 });
        });

        test('an empty call has an empty answer', async () => {
            expect(await fixture.log.pin([])).toEqual([]);
        });

        test('reads a range, in order, cut at the limit', async () => {
            const page = await fixture.log.read(topic, 1, 4, 2);
            expect([page.events.map(({ seq }) => seq), page.upto]).toEqual([[2, 3], 3]);
            const whole = await fixture.log.read(topic, 1, 4, 100);
            expect([whole.events.map(({ seq }) => seq), whole.upto]).toEqual([[2, 3, 4], 4]);
        });

        test('reads nothing where nothing is', async () => {
            for (const [name, after] of [
                [topic, 5],
                ['project:nowhere', 0],
            ] as const) {
                expect(await fixture.log.read(name, after, 1000, 100)).toMatchObject({ events: [], upto: 1000 });
            }
        });

        test('rows carry everything a frame needs', async () => {
            const [row] = (await fixture.log.read(topic, 0, 1, 1)).events;
            expect(row).toMatchObject({ topic, seq: 1, event: 'thing.happened', data: '{}', requestId: null });
            expect(row?.id).toMatch(/^\d+$/);
            expect(row?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        });

        test('a loss makes what lies before it not resumable', async () => {
            await fixture.append(other, 1);
            await fixture.reset(other);
            await fixture.append(other, 1);
            const pins = await fixture.log.pin([1, 2, 3].map((since) => ({ userId: 'ann', topic: other, since })));
            expect(pins.map(({ resumable }) => resumable)).toEqual([false, true, true]);
        });

        test('a read says the base epoch it was made in, with rows or without', async () => {
            const [pin] = await fixture.log.pin([{ userId: 'ann', topic, since: null }]);
            expect((await fixture.log.read(topic, 0, 5, 100)).epoch).toBe(pin?.epoch);
            expect((await fixture.log.read(topic, 5, 5, 100)).epoch).toBe(pin?.epoch);
            await fixture.renew();
            const page = await fixture.log.read(topic, 0, 0, 100);
            expect(page.epoch).not.toBe(pin?.epoch);
            expect(page.epoch).not.toBe('');
        });
    });
}

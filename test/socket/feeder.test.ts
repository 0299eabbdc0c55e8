import { describe, expect, test } from 'vitest';
import { createReplay, Ring } from '../../src/fanout/index.ts';
import { Feeder } from '../../src/socket/feeder.ts';
import type { Reader, Wanted } from '../../src/socket/outlet.ts';
import { createTurns } from '../../src/socket/turns.ts';
import { deliveryOf } from '../fanout/rows.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryLog } from './memory-log.ts';

/** Wants everything up to a seq, and says what it is fed. */
class Mouth implements Reader {
    readonly topic: string;
    cursor: number;
    upto: number;
    epoch = 'k1';
    gone = false;
    readonly #feeder: Feeder;
    readonly #meals: string[];

    constructor(topic: string, after: number, upto: number, feeder: Feeder, meals: string[]) {
        this.topic = topic;
        this.cursor = after;
        this.upto = upto;
        this.#feeder = feeder;
        this.#meals = meals;
        feeder.want(this);
    }

    wanted(): Wanted | null {
        if (this.gone || this.cursor >= this.upto) return null;
        return { after: this.cursor, upto: this.upto, epoch: this.epoch, ticket: 0 };
    }

    fed(_: Wanted, page: readonly { readonly seq: number }[]): boolean {
        if (this.gone) return false;
        this.#meals.push(`${this.topic} ${page[0]?.seq}..${page.at(-1)?.seq}`);
        this.cursor = page.at(-1)?.seq ?? this.upto;
        if (this.cursor < this.upto) this.#feeder.want(this);
        return true;
    }

    unsent(): void {}
}

function kitchen() {
    const clock = new FakeClock();
    const log = new MemoryLog();
    const ring = new Ring();
    const failures: unknown[] = [];
    const replay = createReplay({ ring, log, observe: () => undefined, timers: clock });
    const turns = createTurns(clock);
    const meals: string[] = [];
    const makeFeeder = () =>
        new Feeder({ replay, turns, clock, flush: () => undefined, failed: (error) => failures.push(error) });

    function recent(topic: string, from: number, to: number): void {
        for (let seq = from; seq <= to; seq += 1) ring.add(deliveryOf(topic, seq));
    }

    return { clock, log, ring, meals, failures, makeFeeder, recent };
}

describe('a feeder', () => {
    test('feeds from the ring without a read, its readers in turn', async () => {
        const { clock, log, meals, makeFeeder, recent } = kitchen();
        recent('project:1', 1, 1200);
        recent('project:2', 1, 3);
        const feeder = makeFeeder();
        new Mouth('project:1', 0, 1200, feeder, meals);
        new Mouth('project:2', 1, 3, feeder, meals);
        await clock.settle();
        expect(meals).toEqual(['project:1 1..500', 'project:2 2..3', 'project:1 501..1000', 'project:1 1001..1200']);
        expect(log.reads).toEqual([]);
    });

    test('does not keep those waiting that memory can serve while the log is read for another', async () => {
        const { clock, log, meals, makeFeeder, recent } = kitchen();
        log.appendMany('project:1', 700);
        log.appendMany('project:3', 2);
        recent('project:2', 1, 3);
        const release = log.hold();
        const feeder = makeFeeder();
        new Mouth('project:1', 0, 700, feeder, meals);
        new Mouth('project:3', 0, 2, feeder, meals);
        new Mouth('project:2', 0, 3, feeder, meals);
        await clock.settle();
        expect(meals).toEqual(['project:2 1..3']);
        expect(log.reads, 'one at a time').toEqual(['project:1 0..500']);
        release();
        await clock.settle();
        expect(meals.slice(1).toSorted()).toEqual(['project:1 1..500', 'project:1 501..700', 'project:3 1..2']);
    });

    test('takes turns with the feeders of other sockets', async () => {
        const { clock, meals, makeFeeder, recent } = kitchen();
        recent('project:1', 1, 2000);
        recent('project:2', 1, 1);
        new Mouth('project:1', 0, 2000, makeFeeder(), meals);
        new Mouth('project:2', 0, 1, makeFeeder(), meals);
        await clock.settle();
        expect(meals[1]).toBe('project:2 1..1');
    });

    test('asks again, in a while, when the log fails or is of another epoch, and serves others meanwhile', async () => {
        const { clock, log, meals, makeFeeder, recent } = kitchen();
        log.appendMany('project:1', 3);
        recent('project:2', 1, 3);
        log.epoch = 'k2';
        const feeder = makeFeeder();
        const mouth = new Mouth('project:1', 0, 3, feeder, meals);
        await clock.settle();
        new Mouth('project:2', 0, 3, feeder, meals);
        await clock.settle();
        expect(meals).toEqual(['project:2 1..3']);
        const read = log.read.bind(log);
        log.read = async () => {
            throw new Error('down');
        };
        await clock.pass(600);
        log.read = read;
        mouth.epoch = 'k2.7';
        await clock.pass(600);
        expect(meals).toEqual(['project:2 1..3', 'project:1 1..3']);
    });

    test('drops a page of the log for one who was fed by memory meanwhile', async () => {
        const { clock, log, meals, makeFeeder, recent } = kitchen();
        log.appendMany('project:1', 3);
        const release = log.hold();
        const feeder = makeFeeder();
        const mouth = new Mouth('project:1', 0, 3, feeder, meals);
        await clock.settle();
        recent('project:1', 1, 4);
        mouth.upto = 4;
        feeder.want(mouth);
        await clock.settle();
        release();
        await clock.settle();
        expect(meals).toEqual(['project:1 1..4']);
    });

    test('drops a page for one who has left, and goes on', async () => {
        const { clock, log, meals, failures, makeFeeder } = kitchen();
        log.appendMany('project:1', 3);
        const release = log.hold();
        const feeder = makeFeeder();
        const mouth = new Mouth('project:1', 0, 3, feeder, meals);
        await clock.settle();
        mouth.gone = true;
        release();
        await clock.settle();
        new Mouth('project:1', 1, 3, feeder, meals);
        await clock.settle();
        expect([meals, failures]).toEqual([['project:1 2..3'], []]);
    });

    test('hands on what a reader throws, and feeds the others', async () => {
        const { clock, meals, failures, makeFeeder, recent } = kitchen();
        recent('project:1', 1, 3);
        recent('project:2', 1, 3);
        const feeder = makeFeeder();
        const mouth = new Mouth('project:1', 0, 3, feeder, meals);
        mouth.fed = () => {
            throw new Error('poison');
        };
        new Mouth('project:2', 0, 3, feeder, meals);
        await clock.settle();
        expect([meals, failures]).toEqual([['project:2 1..3'], [new Error('poison')]]);
    });
});

test('turns end when their time is up, and what is left goes first in the next', () => {
    let nowMs = 0;
    const ends: (() => void)[] = [];
    const order: string[] = [];
    const turns = createTurns({ nowMs: () => nowMs, atTurnEnd: (run) => void ends.push(run) });
    const step = (name: string) => () => {
        order.push(name);
        nowMs += 1;
        if (name === 'a') turns(step('late'));
    };
    for (const name of ['a', 'b', 'c', 'd']) turns(step(name));
    expect(ends).toHaveLength(1);
    ends.shift()?.();
    expect(order).toEqual(['a', 'b']);
    ends.shift()?.();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    ends.shift()?.();
    expect([order.at(-1), ends.length]).toEqual(['late', 0]);
});

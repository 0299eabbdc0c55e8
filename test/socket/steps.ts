/** Random steps for the world of one reader, and the verdict on what its reader was told. */

import fc from 'fast-check';
import { type Access, ASKED, type Make, OneReader, type Rare, type Start, type Step, TOPIC } from './one-reader.ts';

/** Where a world begins, whether its reader has joined by then, and what happens next. */
export type Story = { readonly start: Start; readonly joined: boolean; readonly steps: readonly Step[] };

/** Stories in which, beside what always happens, these happen now and then. */
export function stories(rare: readonly Rare[], access: readonly Access[]): fc.Arbitrary<Story> {
    return fc.record({
        start: fc.record({
            before: fc.integer({ min: 0, max: 60 }),
            back: fc.option(fc.integer({ min: -2, max: 60 })),
            replayLimit: fc.constantFrom(null, 40),
        }),
        joined: fc.boolean(),
        steps: fc.array(stepOf(rare, access), { minLength: 10, maxLength: 80, size: 'max' }),
    });
}

function stepOf(rare: readonly Rare[], access: readonly Access[]): fc.Arbitrary<Step> {
    const counted = (what: 'append' | 'tail', max: number) =>
        fc.record({ do: fc.constant(what), count: fc.integer({ min: 1, max }) });
    const usual = fc.constantFrom('askPin' as const, 'givePin', 'losePin', 'askRead', 'giveRead', 'drain', 'recheck');
    return fc.oneof(
        { weight: 6, arbitrary: counted('append', 4) },
        { weight: 6, arbitrary: counted('tail', 3) },
        {
            weight: 4,
            arbitrary: fc.record({ do: fc.constant('flush' as const), takes: fc.integer({ min: 0, max: 12 }) }),
        },
        { weight: 10, arbitrary: fc.record({ do: usual }) },
        { weight: 1, arbitrary: fc.constant<Step>({ do: 'append', count: 300 }) },
        ...(rare.length === 0 ? [] : [{ weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...rare) }) }]),
        ...(access.length === 0 ? [] : [{ weight: 3, arbitrary: fc.record({ do: fc.constantFrom(...access) }) }]),
    );
}

/** Plays a story to its end. */
export function play({ start, joined, steps }: Story, make?: Make): OneReader {
    const world = new OneReader(start, make);
    if (joined) world.join();
    for (const step of steps) world.step(step);
    world.finish();
    return world;
}

/** What the reader of a world at rest could complain of; nothing if all was well. */
export function complaintsIn(world: OneReader): readonly string[] {
    return [...holes(world), ...world.leaks.map(({ seq }) => `got ${seq} after its right was taken`), ...rest(world)];
}

/** What did not follow from what the reader knew: a seq that is not the next, or anything after the end. */
function holes({ seen }: OneReader): readonly string[] {
    let expected: number | null = null;
    const found: string[] = [];
    for (const [n, { kind, seq }] of seen.entries()) {
        if (kind === 'unsubscribed' || kind === 'refused') {
            if (n !== seen.length - 1) found.push(`went on after it was ${kind}: ${JSON.stringify(seen)}`);
            return found;
        }
        if (kind === 'event' && seq !== expected) found.push(`got ${seq} for ${expected}: ${JSON.stringify(seen)}`);
        expected = seq + 1;
    }
    return found;
}

/** What is wrong when all has come to rest: a reader has either ended, or everything up to the head of the epoch. */
function rest({ log, seen, sub }: OneReader): readonly string[] {
    const last = seen.at(-1);
    if (sub.state === 'left') return last?.kind === 'unsubscribed' || last?.kind === 'refused' ? [] : ['ended unsaid'];
    const [pin] = log.pinNow([ASKED]);
    if (sub.state !== 'live') return [`rests ${sub.state}`];
    if (!pin?.allowed) return ['reads on though its right is gone'];
    const found = last?.seq === log.head(TOPIC) ? [] : [`stopped at ${last?.seq} of ${log.head(TOPIC)}`];
    const epoch = seen.findLast(({ kind }) => kind !== 'event')?.epoch;
    return epoch === pin.epoch ? found : [...found, `is in ${epoch}, not ${pin.epoch}`];
}

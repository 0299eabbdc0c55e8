/**
 * The point of no return of a mail: the end of its data.
 *
 * A server takes a mail on when it has seen the line that ends the data, and never before. So the bytes of the mail flow,
 * then `begin` is asked, and only if it says yes does the end follow. Until then whatever goes wrong, it was not accepted.
 *
 *     shut ──last byte──▶ asking ──yes──▶ open: may be accepted from now on
 *                            └───no, or the connection is gone──▶ never
 */

import { Readable } from 'node:stream';

/** Says whether a mail may still go out. */
export type Begin = () => Promise<boolean>;

export type Gate = {
    /** What to send instead of `input`. Begins to read only when it is read, which is after the server asked for the data. */
    over(input: AsyncIterable<unknown>): Readable;
    /** Shuts it for good unless it is open; resolves when `begin`, if it was asked, has answered. */
    shut(): Promise<'open' | 'withdrawn' | 'shut'>;
};

/** Makes a gate for one mail. It lets a mail through once at most. */
export function createGate(begin: Begin): Gate {
    let state: 'open' | 'withdrawn' | 'shut' = 'shut';
    let asking: Promise<boolean> | undefined;
    let output: Readable | undefined;

    async function* pass(input: AsyncIterable<unknown>): AsyncGenerator<unknown, void, undefined> {
        if (asking !== undefined) throw new Error('expected a mail to be sent once, got a second attempt');
        yield* input;
        asking = begin();
        if (!(await asking)) {
            state = 'withdrawn';
            throw new Error('withdrawn before its end was sent');
        }
        // Destroyed while the question was open: the end is never sent.
        if (output?.destroyed === false) state = 'open';
    }

    return {
        over(input) {
            output = Readable.from(pass(input), { objectMode: false });
            return output;
        },
        async shut() {
            if (state !== 'open') output?.destroy();
            await asking?.catch(() => false);
            return state;
        },
    };
}

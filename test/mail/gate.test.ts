/** The point of no return of a mail, by itself. */

import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createGate } from '../../src/mail/gate.ts';

async function* mail(): AsyncGenerator<Buffer> {
    yield Buffer.from('a mail');
}

test('asks nothing and reads nothing until it is read', async () => {
    const gate = createGate(() => Promise.reject(new Error('expected not to be asked')));
    const stream = gate.over(mail());
    await new Promise((done) => setImmediate(done));
    expect(stream.readableDidRead).toBe(false);
    expect(await gate.shut()).toBe('shut');
    expect(stream.destroyed).toBe(true);
});

test('is open when the end was let through', async () => {
    const gate = createGate(async () => true);
    expect(await text(gate.over(mail()))).toBe('a mail');
    expect(await gate.shut()).toBe('open');
});

test('stays shut if it is shut while the question is open', async () => {
    let answer: (mayGo: boolean) => void = () => undefined;
    const gate = createGate(
        () =>
            new Promise((resolve) => {
                answer = resolve;
            }),
    );
    const stream = gate.over(mail());
    const bytes: string[] = [];
    let ended = false;
    stream.on('data', (chunk: Buffer) => bytes.push(chunk.toString()));
    stream.on('end', () => {
        ended = true;
    });
    await new Promise((done) => stream.once('data', done));
    await new Promise((done) => setImmediate(done));
    const shut = gate.shut();
    answer(true);
    expect([await shut, ended, bytes]).toEqual(['shut', false, ['a mail']]);
});

test('lets a mail through once', async () => {
    const gate = createGate(async () => true);
    await text(gate.over(mail()));
    await expect(text(gate.over(mail()))).rejects.toThrow('expected a mail to be sent once, got a second attempt');
    expect(await gate.shut()).toBe('open');
});

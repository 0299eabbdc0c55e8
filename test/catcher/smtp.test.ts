import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Caught, openCatcher } from './caught.ts';

const MEBIBYTE = 1024 * 1024;

let caught: Caught;
beforeEach(async () => {
    caught = await openCatcher();
});
afterEach(() => caught.close());

/** Talks SMTP by hand: sends lines, each after the answer to the one before, and gives the last answer. */
async function converse(socket: Socket, lines: readonly string[]): Promise<string> {
    const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
    async function answer(): Promise<string> {
        for (;;) {
            const { value = '', done } = await answers.next();
            if (done || /^\d{3} /.test(value)) return value;
        }
    }
    let last = await answer();
    for (const line of lines) {
        socket.write(`${line}\r\n`);
        last = await answer();
    }
    return last;
}

function dial(): Socket {
    return connect(Number(new URL(caught.catcher.smtpUrl).port), '127.0.0.1');
}

const ENVELOPE = ['EHLO test', 'MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.com>', 'DATA'];

test('keeps a mail byte for byte, readable by its owner only', async () => {
    const raw = 'Subject: raw\r\n\r\n.leading dot\r\n8 bit: \xc3\xa4\r\n';
    await caught.send({ raw: Buffer.from(raw, 'latin1'), envelope: { from: 'a@example.com', to: 'b@example.com' } });
    const [file = ''] = await caught.files();
    expect(file).toMatch(/^\d{8}T\d{9}Z\.eml$/);
    expect(await readFile(join(caught.dir, file), 'latin1')).toBe(raw);
    expect(caught.seen).toMatchObject([{ type: 'mail.caught', bytes: raw.length }]);
});

test('takes mail from several at once, each under a name of its own', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => caught.send({ subject: `number ${n}`, text: 'x' })));
    expect(await caught.files()).toHaveLength(20);
    const { body } = await caught.get('/list');
    for (let n = 0; n < 20; n += 1) expect(body).toContain(`<bdi>number ${n}</bdi>`);
});

test('takes ten mebibytes, refuses more with 552 in words, and keeps nothing of it', async () => {
    await caught.send({ raw: `Subject: large\r\n\r\n${'x'.repeat(10 * MEBIBYTE - 100)}` });
    const socket = dial();
    const large = `${'x'.repeat(76)}\r\n`.repeat(11 * 13_800);
    expect(await converse(socket, [...ENVELOPE, `${large}.`])).toMatch(
        /^552 expected a mail of at most 10485760 bytes, got \d{8}$/,
    );
    socket.destroy();
    expect(await caught.files()).toHaveLength(1);
    await expect(caught.send({ raw: 'x'.repeat(11 * MEBIBYTE) })).rejects.toMatchObject({ responseCode: 552 });
});

test('keeps nothing of a mail that breaks off, and takes it for nobody’s fault', async () => {
    const socket = dial();
    await converse(socket, ENVELOPE);
    socket.write('Subject: half\r\n\r\nhal');
    await expect.poll(caught.files, { timeout: 10_000 }).toEqual([expect.stringMatching(/\.part$/)]);
    socket.destroy();
    await expect.poll(caught.files, { timeout: 10_000 }).toEqual([]);
    expect(caught.seen).toEqual([]);
});

test('offers neither a login nor TLS, and answers no web page', async () => {
    const socket = dial();
    expect(await converse(socket, ['EHLO test', 'AUTH PLAIN AGEAYg=='])).toMatch(/^500 /);
    expect(await converse(dial(), ['GET / HTTP/1.1'])).toMatch(/^421 /);
    socket.destroy();
});

test('tells a client beyond the fiftieth to come back', async () => {
    const sockets = Array.from({ length: 50 }, dial);
    await Promise.all(sockets.map((socket) => converse(socket, ['EHLO test'])));
    expect(await converse(dial(), [])).toMatch(/^421 /);
    for (const socket of sockets) socket.destroy();
});

test('stops with clients still connected, and twice', async () => {
    const socket = dial();
    await converse(socket, ['EHLO test']);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await caught.catcher.stop();
    await caught.catcher.stop();
    await closed;
    expect(() => caught.catcher.smtpUrl).toThrow('expected the mail catcher to have been started, got a stopped one');
});

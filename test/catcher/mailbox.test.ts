import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMailbox, type Mailbox } from '../../src/catcher/mailbox.ts';

let dir: string;
beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tidings-mail-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function opened(limits: { maxMails?: number; maxBytes?: number } = {}): Promise<Mailbox> {
    const mailbox = createMailbox({ dir, ...limits });
    await mailbox.open();
    return mailbox;
}

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Buffer> {
    for (const text of texts) yield Buffer.from(text);
}

const receive = (mailbox: Mailbox, subject: string) => mailbox.receive(chunksOf(`Subject: ${subject}\r\n`, '\r\nbody'));

async function subjects(mailbox: Mailbox): Promise<readonly string[]> {
    return (await mailbox.list()).mails.map(({ subject }) => subject);
}

test('keeps the newest so many, oldest out, and the files with them', async () => {
    const mailbox = await opened({ maxMails: 3 });
    for (const subject of ['a', 'b', 'c', 'd', 'e']) await receive(mailbox, subject);
    expect(await subjects(mailbox)).toEqual(['e', 'd', 'c']);
    expect(await readdir(dir)).toHaveLength(3);
});

test('keeps so many bytes', async () => {
    const mailbox = await opened({ maxBytes: 3 * 'Subject: a\r\n\r\nbody'.length });
    for (const subject of ['a', 'b', 'c', 'd', 'e']) await receive(mailbox, subject);
    expect(await subjects(mailbox)).toEqual(['e', 'd', 'c']);
});

test('has after a restart what it had before, goes on counting, and clears away half a mail', async () => {
    const before = await opened();
    for (const subject of ['a', 'b']) await receive(before, subject);
    await writeFile(join(dir, '20990101T000000000Z.eml'), 'Subject: of the future\r\n\r\n');
    await writeFile(join(dir, '3f2b6f0e-7a0b-4a53-9a56-0c0e6f1f2a11.part'), 'half');
    await writeFile(join(dir, 'notes.txt'), 'of somebody else');
    await writeFile(join(dir, '20261399T000000000Z.eml'), 'no date');
    const after = await opened();
    const { id } = await receive(after, 'c');
    expect(id).toBe('20990101T000000001Z');
    expect(await subjects(after)).toEqual(['c', 'of the future', 'b', 'a']);
    expect((await readdir(dir)).filter((name) => !name.endsWith('.eml'))).toEqual(['notes.txt']);
});

test('gives every change another version', async () => {
    const mailbox = await opened();
    const versions = [(await mailbox.list()).version];
    await receive(mailbox, 'a');
    versions.push((await mailbox.list()).version);
    await mailbox.clear();
    versions.push((await mailbox.list()).version, (await mailbox.list()).version);
    expect(new Set(versions).size).toBe(3);
    expect(await readdir(dir)).toEqual([]);
});

test('does without a mail that somebody has removed by hand', async () => {
    const mailbox = await opened();
    const { id } = await receive(mailbox, 'a');
    await rm(join(dir, `${id}.eml`));
    expect(await mailbox.read(id)).toBeNull();
    expect(await subjects(mailbox)).toEqual([]);
});

test('reads only what it has, whatever the name', async () => {
    const mailbox = await opened();
    await writeFile(join(dir, 'secret.eml'), 'Subject: secret\r\n\r\n');
    for (const id of ['secret', '../secret', '', '.', 'secret.eml', '__proto__']) {
        expect(await mailbox.read(id)).toBeNull();
    }
});

test.each([
    [
        'encoded',
        'Subject: =?utf-8?B?w7xiZXI=?=\r\nFrom: =?utf-8?Q?Zo=C3=AB?= <z@example.com>',
        'über',
        'Zoë <z@example.com>',
    ],
    [
        'folded, with controls',
        'Subject: a\r\n b\u0007\tc\r\nFrom: a@example.com',
        expect.stringMatching(/^a b.? ?c$/),
        'a@example.com',
    ],
    ['none', 'no header at all', '', ''],
    ['too long', `Subject: ${'x'.repeat(5000)}`, `${'x'.repeat(299)}…`, ''],
    ['too much', `X: ${'x'.repeat(200_000)}\r\nSubject: far`, '', ''],
    [
        'a group',
        'Subject: s\r\nFrom: team: a@example.com, B <b@example.com>;',
        's',
        'team: a@example.com, B <b@example.com>',
    ],
])('lists a mail whose headers are %s', async (_, head, subject, from) => {
    const mailbox = await opened();
    await mailbox.receive(chunksOf(`${head}\r\n\r\nSubject: of the body`));
    expect((await mailbox.list()).mails).toEqual([expect.objectContaining({ subject, from })]);
});

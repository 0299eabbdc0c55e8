/** The mail that was caught: a file each, named by when it came. */

import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TidingsError } from '../errors.ts';
import { idOf, timeOf } from './mail-id.ts';
import { readSummary, type Summary } from './summary.ts';

/** A mail that is kept. */
export type Kept = { readonly id: string; readonly receivedAt: Date; readonly bytes: number };

/** A mail as the list shows it. */
export type Mail = Kept & Summary;

/** Mails, each in a file of its own. */
export type Mailbox = {
    /** Finds what earlier starts have left. */
    open(): Promise<void>;
    /** Newest first. `version` is another after every change. */
    list(): Promise<{ readonly mails: readonly Mail[]; readonly version: string }>;
    /** Keeps a mail, whole or not at all. Rejects with `too_large` past the limit, once all of it has been taken in. */
    receive(chunks: AsyncIterable<Buffer>): Promise<Kept>;
    /** The bytes of a mail as they came, null if it is not there or no longer. */
    read(id: string): Promise<Buffer | null>;
    clear(): Promise<void>;
};

/** The directory, and how much is kept: past either the oldest go. */
export type MailboxOptions = { readonly dir: string; readonly maxMails?: number; readonly maxBytes?: number };

/** The largest mail that is taken. */
export const MAX_MAIL_BYTES = 10 * 1024 * 1024;
const MAX_MAILS = 500;
const MAX_BYTES = 256 * 1024 * 1024;

const DRAFT_PATTERN = /^[\da-f-]{36}\.part$/;

/** Makes a mailbox on a directory that it is the only one to write. */
export function createMailbox({ dir, maxMails = MAX_MAILS, maxBytes = MAX_BYTES }: MailboxOptions): Mailbox {
    /** Oldest first; what a list says of one is read when a list is asked for. */
    const held = new Map<string, Kept>();
    const summaries = new Map<string, Promise<Summary>>();
    const startedAt = Date.now().toString(36);
    let changes = 0;
    let heldBytes = 0;
    let lastMs = 0;

    const fileOf = (id: string) => join(dir, `${id}.eml`);

    function hold(mail: Kept): void {
        held.set(mail.id, mail);
        heldBytes += mail.bytes;
        changes += 1;
    }

    async function drop(mail: Kept): Promise<void> {
        if (!held.delete(mail.id)) return;
        summaries.delete(mail.id);
        heldBytes -= mail.bytes;
        changes += 1;
        await rm(fileOf(mail.id), { force: true });
    }

    async function dropOldest(): Promise<void> {
        for (const mail of held.values()) {
            if (held.size <= maxMails && heldBytes <= maxBytes) return;
            await drop(mail);
        }
    }

    /** The clock may stand still or go back; names never do. */
    function nextTime(): Date {
        lastMs = Math.max(Date.now(), lastMs + 1);
        return new Date(lastMs);
    }

    async function open(): Promise<void> {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        for (const name of (await readdir(dir)).sort()) {
            if (DRAFT_PATTERN.test(name)) await rm(join(dir, name), { force: true });
            const receivedAt = timeOf(name);
            if (receivedAt === null) continue;
            hold({ id: idOf(receivedAt), receivedAt, bytes: (await stat(join(dir, name))).size });
            lastMs = receivedAt.getTime();
        }
        await dropOldest();
    }

    async function list(): Promise<{ mails: readonly Mail[]; version: string }> {
        const version = `${startedAt}-${changes}`;
        const newestFirst = [...held.values()].sort((a, b) => b.receivedAt.getTime() - a.receivedAt.getTime());
        const mails: Mail[] = [];
        for (const mail of newestFirst) mails.push({ ...mail, ...(await summaryOf(mail)) });
        return { mails, version };
    }

    function summaryOf({ id }: Kept): Promise<Summary> {
        const known = summaries.get(id);
        if (known !== undefined) return known;
        const reading = readSummary(fileOf(id));
        summaries.set(id, reading);
        return reading;
    }

    async function receive(chunks: AsyncIterable<Buffer>): Promise<Kept> {
        const draft = join(dir, `${randomUUID()}.part`);
        try {
            await pipeline(upTo(chunks, MAX_MAIL_BYTES), createWriteStream(draft, { flags: 'wx', mode: 0o600 }));
            const { size: bytes } = await stat(draft);
            const receivedAt = nextTime();
            const mail = { id: idOf(receivedAt), receivedAt, bytes };
            await rename(draft, fileOf(mail.id));
            hold(mail);
            await dropOldest();
            return mail;
        } catch (error) {
            await rm(draft, { force: true });
            throw error;
        }
    }

    async function read(id: string): Promise<Buffer | null> {
        const mail = held.get(id);
        if (mail === undefined) return null;
        try {
            return await readFile(fileOf(id));
        } catch {
            // Somebody has tidied up by hand.
            await drop(mail);
            return null;
        }
    }

    async function clear(): Promise<void> {
        for (const mail of [...held.values()]) await drop(mail);
    }

    return { open, list, receive, read, clear };
}

/** Hands on at most so many bytes; takes in what comes after, so that the sender hears the answer, and then throws. */
async function* upTo(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes <= most) yield chunk;
    }
    if (bytes > most) throw new TidingsError('too_large', `expected a mail of at most ${most} bytes, got ${bytes}`);
}

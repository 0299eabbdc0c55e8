/** What a list says of a mail, from the first bytes of its file. */

import { open } from 'node:fs/promises';
import { type AddressObject, type EmailAddress, simpleParser } from 'mailparser';

/** From whom, to whom, about what: decoded, one line each, cut where too long; empty if the mail does not say. */
export type Summary = { readonly from: string; readonly to: string; readonly subject: string };

/** Headers stand in the first so many bytes, or are cut there. */
const HEAD_BYTES = 64 * 1024;
const MAX_CHARACTERS = 300;
const END_OF_HEADERS = /\r?\n\r?\n/;

/** Reads the headers of a mail; of one that is none or is gone, empty ones. */
export async function readSummary(file: string): Promise<Summary> {
    try {
        const head = (await readHead(file)).split(END_OF_HEADERS, 1)[0] ?? '';
        const { from, to, subject = '' } = await simpleParser(Buffer.from(`${head}\r\n\r\n`, 'latin1'));
        return { from: line(describeAddresses(from)), to: line(describeAddresses(to)), subject: line(subject) };
    } catch {
        return { from: '', to: '', subject: '' };
    }
}

/** `Ada <ada@example.com>, team: …` of a header, or of several of its name. */
export function describeAddresses(header: AddressObject | readonly AddressObject[] | undefined): string {
    return [header ?? []]
        .flat()
        .flatMap(({ value }) => value.map(describeAddress))
        .join(', ');
}

function describeAddress({ name, address = '', group }: EmailAddress): string {
    if (group !== undefined) return `${name}: ${group.map(describeAddress).join(', ')}`;
    return name === '' || name === address ? address : `${name} <${address}>`;
}

/** Bytes as Latin-1, so that none is changed on the way to the parser. */
async function readHead(file: string): Promise<string> {
    const handle = await open(file);
    try {
        const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(HEAD_BYTES) });
        return buffer.toString('latin1', 0, bytesRead);
    } finally {
        await handle.close();
    }
}

function line(text: string): string {
    const flat = text.replace(/\s+/g, ' ').trim();
    return flat.length > MAX_CHARACTERS ? `${flat.slice(0, MAX_CHARACTERS - 1)}…` : flat;
}

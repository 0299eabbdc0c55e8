/** Mail addresses: strict, as what is written loosely is read differently by every server on the way. */

import addressparser from 'nodemailer/lib/addressparser';
import { TidingsError } from '../errors.ts';
import { headerLine } from './clean-text.ts';

/** Who mails are from. */
export type Sender = { readonly name: string; readonly address: string; readonly domain: string };

// No quoting, no comments, no routes, no lists; beyond ASCII is left to the server.
const ADDRESS = /^(?=.{3,254}$)[^\s\p{C}@<>()[\]\\,;:"]{1,64}@(?!-)[^\s\p{C}@<>()[\]\\,;:"_]+$/u;
const LONGEST_NAME = 100;

/** Whether a text is one plain address. */
export function isAddress(text: string): boolean {
    return ADDRESS.test(text) && !/\.\.|\.$|@\./.test(text);
}

/** A name fit for a header. */
export function displayName(name: string | null): string {
    return headerLine(name ?? '', LONGEST_NAME);
}

/**
 * Reads `MAIL_FROM`: `Name <name@example.com>`, or the address alone.
 *
 * @throws TidingsError `misused`
 */
export function readSender(written: string): Sender {
    const [only, ...others] = addressparser(written);
    const address = only?.address ?? '';
    if (others.length > 0 || !isAddress(address)) {
        const message = `expected MAIL_FROM to be like Name <name@example.com>, got ${JSON.stringify(written)}`;
        throw new TidingsError('misused', message);
    }
    const domain = new URL(`http://${address.slice(address.lastIndexOf('@') + 1)}`).hostname;
    return { name: displayName(only?.name ?? ''), address, domain };
}

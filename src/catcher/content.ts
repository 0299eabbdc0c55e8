/** What a mail says, parsed for its page. */

import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type HeaderLines, type ParsedMail, simpleParser } from 'mailparser';
import { describeAddresses } from './summary.ts';

/** A mail taken apart; null where it has no such part. */
export type Content = {
    readonly subject: string;
    readonly from: string;
    readonly to: string;
    readonly html: string | null;
    readonly text: string | null;
    /** In the order they stand, unfolded, not decoded. */
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly attachments: readonly { readonly name: string; readonly type: string; readonly bytes: number }[];
};

/** Nothing is made up of the parts but images in the HTML; what has more of anything than a real mail is not parsed. */
const OPTIONS = {
    checksumAlgo: false,
    ignoreEmbedded: true,
    maxChildNodes: 100,
    maxHeadSize: 256 * 1024,
    maxInlinedImagesSize: 10_000_000,
    skipHtmlToText: true,
    skipTextToHtml: true,
} as const;

const PIECE_BYTES = 64 * 1024;

/** Takes a mail apart; null if it is too twisted for that. */
export async function parseContent(mail: Buffer): Promise<Content | null> {
    try {
        return contentOf(await simpleParser(Readable.from(inPieces(mail), { objectMode: false }), OPTIONS));
    } catch {
        return null;
    }
}

/** Lets the server do something else between the pieces: ten megabytes of line ends take seconds. */
async function* inPieces(mail: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < mail.length; at += PIECE_BYTES) {
        yield mail.subarray(at, at + PIECE_BYTES);
        await setImmediate();
    }
}

function contentOf({ subject = '', from, to, html, text, headerLines, attachments }: ParsedMail): Content {
    return {
        subject,
        from: describeAddresses(from),
        to: describeAddresses(to),
        html: html || null,
        text: text ?? null,
        headers: headerLines.map(headerOf),
        attachments: attachments.map(({ filename, contentType, size }) => ({
            name: filename ?? '(no name)',
            type: contentType,
            bytes: size,
        })),
    };
}

function headerOf({ line }: HeaderLines[number]): { readonly name: string; readonly value: string } {
    const unfolded = line.replace(/\r?\n(?=[ \t])/g, '');
    const colon = unfolded.indexOf(':');
    return colon < 0
        ? { name: unfolded, value: '' }
        : { name: unfolded.slice(0, colon), value: unfolded.slice(colon + 1).trim() };
}

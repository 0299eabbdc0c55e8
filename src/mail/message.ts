/** A mail as it goes out: its headers, and its bytes. */

import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { DKIMOptions } from 'nodemailer';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer from 'nodemailer/lib/mail-composer';
import { displayName, isAddress, type Sender } from './address.ts';
import type { MailContent } from './content.ts';
import type { RenderedMail } from './render-mail.ts';

export type MessageSettings = {
    readonly sender: Sender;
    readonly unsubscribeUrl: string;
    readonly date: Date;
    /** Of {@link readDkim}; null: not signed. */
    readonly dkim: DKIMOptions | null;
};

/** A value that goes into the header to the letter. */
type Verbatim = { readonly prepared: true; readonly value: string };

/** A message in nodemailer's terms, to one recipient. */
export type MailMessage = {
    readonly from: { readonly name: string; readonly address: string };
    readonly to: { readonly name: string; readonly address: string };
    readonly subject: string;
    readonly date: Date;
    readonly messageId: string;
    readonly text: string;
    readonly html: string;
    readonly headers: Readonly<Record<string, string | Verbatim>>;
    readonly dkim: DKIMOptions | null;
};

/**
 * Puts the headers to a mail.
 *
 * @throws TypeError if the recipient's address is none: ask {@link isAddress} first
 */
export function composeMessage(content: MailContent, rendered: RenderedMail, settings: MessageSettings): MailMessage {
    const { email, name } = content.to;
    if (!isAddress(email)) throw new TypeError(`expected a mail address, got ${JSON.stringify(email)}`);
    const { sender, unsubscribeUrl, date, dkim } = settings;
    return {
        from: { name: sender.name, address: sender.address },
        to: { name: displayName(name), address: email },
        date,
        messageId: messageIdOf(content.key, sender.domain),
        ...rendered,
        headers: {
            'List-Id': `<notifications.${sender.domain}>`,
            ...unsubscribeHeaders(unsubscribeUrl),
            // Neither machines nor people on holiday are to answer: RFC 3834, and what Exchange heeds.
            'Auto-Submitted': 'auto-generated',
            'X-Auto-Response-Suppress': 'OOF, AutoReply',
        },
        dkim,
    };
}

/** The bytes of a message, signed if it is to be. The part boundaries differ each time, all else is the same. */
export function buildMessage({ dkim, ...message }: MailMessage): Promise<Buffer> {
    const access = { disableFileAccess: true, disableUrlAccess: true };
    const node = new MailComposer({ ...message, headers: { ...message.headers }, ...access }).compile();
    if (dkim !== null) node.processFunc((input: Readable) => new DKIM(dkim).sign(input));
    return node.build();
}

/** The same each time a mail is sent, so a reader's client and those who look for doubles know it again. */
function messageIdOf(key: string, domain: string): string {
    const hash = createHash('sha256').update(key).digest('hex').slice(0, 40);
    return `<tidings.${hash}@${domain}>`;
}

/** One-click needs https (RFC 8058). Not folded, as some readers of headers take a fold for the end of the address. */
function unsubscribeHeaders(url: string): Readonly<Record<string, string | Verbatim>> {
    if (!url.startsWith('https://')) return {};
    return {
        'List-Unsubscribe': { prepared: true, value: `<${url}>` },
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    };
}

/** A mail server as a process of its own that takes everything: says where it listens, and when asked, what has come. */

import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** What it has taken so far; a mail that came twice is two, with one Message-ID. */
export type Sunk = { readonly mails: number; readonly messageIds: number; readonly bytes: number };

const messageIds = new Set<string>();
let mails = 0;
let bytes = 0;

const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: (stream, _, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
            const mail = Buffer.concat(chunks);
            messageIds.add(/^Message-ID:\s*(\S+)/im.exec(mail.toString('latin1'))?.[1] ?? '');
            mails += 1;
            bytes += mail.length;
            callback();
        });
    },
});
server.on('error', () => undefined);
process.on('message', () => process.send?.({ mails, messageIds: messageIds.size, bytes } satisfies Sunk));
server.listen(0, '127.0.0.1', () => process.send?.((server.server.address() as AddressInfo).port));

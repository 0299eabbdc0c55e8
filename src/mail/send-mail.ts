/** From what a mail tells to how sending it ended: written, addressed, sent. */

import type { DKIMOptions } from 'nodemailer';
import { isAddress, type Sender } from './address.ts';
import type { MailContent } from './content.ts';
import type { Begin } from './gate.ts';
import type { Mailer } from './mailer.ts';
import { composeMessage, type MailMessage } from './message.ts';
import type { SendOutcome } from './outcome.ts';
import { renderMail } from './render-mail.ts';
import type { Unsubscribe } from './unsubscribe.ts';

export type WriteMailSettings = {
    readonly sender: Sender;
    readonly publicUrl: string;
    readonly unsubscribe: Pick<Unsubscribe, 'url'>;
    readonly dkim: DKIMOptions | null;
    readonly now?: () => Date;
};

/** Writes the message of a digest. */
export type WriteMail = (content: MailContent) => MailMessage;

/** Makes a writer. */
export function createWriteMail(settings: WriteMailSettings): WriteMail {
    const { sender, publicUrl, unsubscribe, dkim, now = () => new Date() } = settings;
    return (content) => {
        const scope = scopeOf(content);
        const unsubscribeUrl = unsubscribe.url(publicUrl, { userId: content.to.userId, scope });
        const rendered = renderMail(content, { publicUrl, unsubscribeUrl });
        return composeMessage(content, rendered, { sender, unsubscribeUrl, date: now(), dkim });
    };
}

/** How sending ended; `reason` is what the server answered, if it was sent. */
export type MailSent =
    | { readonly type: 'sent'; readonly reason: string; readonly messageId: string }
    | Exclude<SendOutcome, { type: 'sent' }>;

/** Makes what writes a mail and sends it. Rejects only if the mail can't be written. */
export function createSendMail(
    write: WriteMail,
    mailer: Pick<Mailer, 'send'>,
): (content: MailContent, begin: Begin) => Promise<MailSent> {
    return async (content, begin) => {
        if (!isAddress(content.to.email)) {
            const reason = `expected a mail address, got ${JSON.stringify(content.to.email)}`;
            return { type: 'rejected', reason, code: null, of: 'recipient' };
        }
        const message = write(content);
        const outcome = await mailer.send(message, begin);
        if (outcome.type !== 'sent') return outcome;
        return { type: 'sent', reason: outcome.response, messageId: message.messageId };
    };
}

/** What its link unsubscribes from: an instant mail about one type is that type's, any other tells of all. */
function scopeOf({ kind, summary }: MailContent): string {
    const [only, ...others] = summary;
    return kind === 'instant' && only !== undefined && others.length === 0 ? only.type : '*';
}

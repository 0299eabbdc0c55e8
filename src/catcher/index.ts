/**
 * The development mail catcher: takes every mail over SMTP, keeps it as a file and shows it on a web page; sends nothing on.
 *
 * Overview: `smtp.ts` receives → `mailbox.ts` keeps → `web.ts` answers with what `list-page.ts` and `mail-page.ts` write of
 * `content.ts`. It listens on a loopback address only and asks nobody for a password, as everyone on this machine may read
 * what was caught.
 *
 * Invariants: what was acknowledged is in a file, byte for byte; no more than so many mails and bytes are kept, the oldest
 * go first; nothing of a mail runs, is fetched from elsewhere, or names a file.
 *
 * Lifecycle: mailbox → SMTP port → web port; stopped in reverse. Depends on: smtp-server, mailparser.
 */

import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import { createMailbox } from './mailbox.ts';
import { createSmtpPort } from './smtp.ts';
import { createWebPort } from './web.ts';

export { findSmtpUrl, keepSmtpUrl } from './whereabouts.ts';

/** Where mail is kept and what is listened on. A port that is taken is replaced by any free one; 0 asks for that. */
export type MailCatcherOptions = {
    readonly dir: string;
    /** A loopback address. */
    readonly host: string;
    readonly smtpPort: number;
    readonly webPort: number;
    readonly observe?: Observe;
};

/** The catcher. Its URLs are there once it has started. */
export type MailCatcher = Service & {
    /** Where mail is to be sent to. */
    readonly smtpUrl: string;
    /** Where it is read. */
    readonly url: string;
};

/** The ports mail catchers have by custom, so that the URLs stay the same from start to start while these are free. */
export const USUAL_PORTS = { smtpPort: 1025, webPort: 1080 } as const;

/** Makes the catcher. Mail of earlier starts is shown again. */
export function createMailCatcher({
    dir,
    host,
    smtpPort,
    webPort,
    observe = () => {},
}: MailCatcherOptions): MailCatcher {
    const mailbox = createMailbox({ dir });
    const smtp = createSmtpPort({ mailbox, host, port: smtpPort, observe });
    const web = createWebPort({ mailbox, host, port: webPort, observe });
    return {
        name: 'mail catcher',
        async start() {
            await mailbox.open();
            await smtp.start();
            await web.start();
        },
        async stop() {
            await web.stop();
            await smtp.stop();
        },
        get smtpUrl() {
            return smtp.url();
        },
        get url() {
            return web.url();
        },
    };
}

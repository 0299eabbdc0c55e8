/** The list of mails, newest first; the page's script fetches it again now and then. */

import { html } from 'hono/html';
import type { Mail } from './mailbox.ts';
import type { Markup } from './page.ts';

/** The server's zone is that of the one who looks: both are on this machine. */
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Writes the list; `open` is the one that is shown beside it. */
export function listMarkup(mails: readonly Mail[], open: string | null): Markup {
    if (mails.length === 0) return html`<p class="none">No mail yet. It appears here by itself.</p>`;
    const today = DAY.format(new Date());
    return html`<ol>${mails.map((mail) => itemMarkup(mail, mail.id === open, today))}</ol>`;
}

function itemMarkup({ id, receivedAt, from, to, subject }: Mail, isOpen: boolean, today: string): Markup {
    const day = DAY.format(receivedAt);
    const when = day === today ? TIME.format(receivedAt) : `${day}, ${TIME.format(receivedAt)}`;
    return html`<li><a href="/mails/${id}"${isOpen ? html` aria-current="page"` : ''}>
<span class="subject"><bdi>${subject || '(no subject)'}</bdi></span>
<span class="people"><bdi>${from || '(nobody)'}</bdi> → <bdi>${to || '(nobody)'}</bdi></span>
<time datetime="${receivedAt.toISOString()}">${when}</time>
</a></li>
`;
}

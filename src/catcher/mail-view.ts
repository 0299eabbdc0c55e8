/** One mail beside the list: who, what, and its HTML, text or headers. */

import { html } from 'hono/html';
import type { Content } from './content.ts';
import { FRAME_SANDBOX } from './frame.ts';
import type { Markup } from './page.ts';

/** What of a mail can be looked at. */
export const VIEWS = ['html', 'text', 'headers'] as const;
type View = (typeof VIEWS)[number];

/** A mail to show; `content` is null if it could not be read, `asked` undefined if nothing was asked for. */
export type Shown = {
    readonly id: string;
    readonly bytes: number;
    readonly content: Content | null;
    readonly asked: View | undefined;
};

const NAMES: Readonly<Record<View, string>> = { html: 'HTML', text: 'Text', headers: 'Headers' };

/** What stands beside the list while no mail is open. */
export function emptyMarkup(): Markup {
    return html`<p class="none">Choose a mail to read it.</p>`;
}

/** Writes a mail. */
export function mailMarkup({ id, bytes, content, asked }: Shown): Markup {
    const raw = html`<a href="/mails/${id}/raw" download title="${sizeOf(bytes)}">Download</a>`;
    if (content === null) {
        return html`<article><p class="none">This mail could not be taken apart. ${raw}</p></article>`;
    }
    const view = asked ?? (content.html === null ? 'text' : 'html');
    const tabs = VIEWS.map((name) => tabMarkup(id, name, name === view));
    return html`<article>
<a class="back" href="/">← All mail</a>
<h1><bdi>${content.subject || '(no subject)'}</bdi></h1>
<dl class="people">
<dt>From</dt><dd><bdi>${content.from || '(nobody)'}</bdi></dd>
<dt>To</dt><dd><bdi>${content.to || '(nobody)'}</bdi></dd>
</dl>
${attachmentsMarkup(content)}
<nav class="tabs" aria-label="Parts of the mail">${tabs}${raw}</nav>
${viewMarkup(id, content, view)}
</article>`;
}

function tabMarkup(id: string, view: View, isOpen: boolean): Markup {
    return html`<a href="/mails/${id}/${view}"${isOpen ? html` aria-current="page"` : ''}>${NAMES[view]}</a>`;
}

function viewMarkup(id: string, content: Content, view: View): Markup {
    if (view === 'headers') {
        const rows = content.headers.map(({ name, value }) => html`<dt>${name}</dt><dd><bdi>${value}</bdi></dd>`);
        return html`<dl class="headers">${rows}</dl>`;
    }
    const part = content[view];
    if (part === null) return html`<p class="none">This mail has no ${NAMES[view]} part.</p>`;
    if (view === 'text') return html`<pre dir="auto">${part}</pre>`;
    return html`<iframe title="The mail" sandbox="${FRAME_SANDBOX}" src="/mails/${id}/frame"></iframe>`;
}

function attachmentsMarkup({ attachments }: Content): Markup | '' {
    if (attachments.length === 0) return '';
    const items = attachments.map(
        ({ name, type, bytes }) => html`<li><bdi>${name}</bdi> <small>${type}, ${sizeOf(bytes)}</small></li>`,
    );
    return html`<ul class="attachments" aria-label="Attachments">${items}</ul>`;
}

function sizeOf(bytes: number): string {
    if (bytes < 1000) return `${bytes} B`;
    return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The pages of `/unsubscribe`: what is about to end, what has ended, and a link that is none. They need no script. */

import { createHash } from 'node:crypto';
import { type Html, html, markupOf, verbatim } from '../mail/index.ts';

/** What a page is about; `scope` is a notification type, or `*` for all. */
export type UnsubscribePage =
    | { readonly type: 'ask' | 'done'; readonly scope: string; readonly settingsUrl: string | null }
    | { readonly type: 'refused' };

type Words = {
    readonly ask: {
        readonly title: string;
        readonly all: string;
        readonly one: (type: Html) => Html;
        readonly button: string;
    };
    readonly done: { readonly title: string; readonly all: string; readonly one: (type: Html) => Html };
    readonly critical: string;
    readonly undo: string;
    readonly settings: string;
    readonly refused: { readonly title: string; readonly text: string };
};

const ENGLISH: Words = {
    ask: {
        title: 'Unsubscribe?',
        all: 'You will get no more e-mails about what happens here.',
        one: (type) => html`You will get no more e-mails of the kind ${type}.`,
        button: 'Unsubscribe',
    },
    done: {
        title: 'You are unsubscribed',
        all: 'We will send you no more e-mails about what happens here.',
        one: (type) => html`We will send you no more e-mails of the kind ${type}.`,
    },
    critical: 'Critical notices, which nobody can switch off, still come.',
    undo: 'If you change your mind, switch e-mails on again in your notification settings.',
    settings: 'Open the application',
    refused: {
        title: 'This link does not work',
        text: 'It is incomplete, or not from us. Please open it once more from the e-mail, or change your notification settings.',
    },
};

const GERMAN: Words = {
    ask: {
        title: 'Abbestellen?',
        all: 'Du bekommst dann keine E-Mails mehr über das, was hier geschieht.',
        one: (type) => html`Du bekommst dann keine E-Mails der Art ${type} mehr.`,
        button: 'Abbestellen',
    },
    done: {
        title: 'Abbestellt',
        all: 'Wir schicken dir keine E-Mails mehr über das, was hier geschieht.',
        one: (type) => html`Wir schicken dir keine E-Mails der Art ${type} mehr.`,
    },
    critical: 'Dringende Hinweise, die niemand abschalten kann, kommen weiterhin.',
    undo: 'Wenn du es dir anders überlegst, schalte E-Mails in deinen Benachrichtigungseinstellungen wieder ein.',
    settings: 'Zur Anwendung',
    refused: {
        title: 'Dieser Link funktioniert nicht',
        text: 'Er ist unvollständig oder nicht von uns. Öffne ihn bitte noch einmal aus der E-Mail, oder ändere deine Benachrichtigungseinstellungen.',
    },
};

const STYLE = `:root{color-scheme:light dark;--page:#f3f4f6;--card:#fff;--text:#1f2937;--faint:#5b6472;--button:#1d4ed8}
@media (prefers-color-scheme:dark){:root{--page:#0b0f17;--card:#161c27;--text:#e5e7eb;--faint:#9ca3af;--button:#3b66f0}}
body{margin:0;padding:1rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:32rem;margin:8vh auto 0;padding:1.5rem;background:var(--card);border-radius:.75rem}
h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.3}p{margin:.75rem 0 0}.faint{color:var(--faint)}
code{overflow-wrap:anywhere}a{color:inherit}
button{margin-top:1.25rem;padding:.8rem 1.4rem;border:0;border-radius:.5rem;background:var(--button);color:#fff;font:inherit;font-weight:600;cursor:pointer}`;

/** Nothing is loaded, nothing runs, the form goes here only, and the token in the address goes nowhere. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
    'content-security-policy': [
        "default-src 'none'",
        `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex',
};

/** The page in the first language of `accepted` (an `Accept-Language`) there are words in, else in English. */
export function unsubscribePage(page: UnsubscribePage, accepted: string): string {
    const [language, words] = wordsFor(accepted);
    const [title, body] = contentOf(page, words);
    return markupOf(html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<style>${verbatim(STYLE)}</style>
</head>
<body><main>
<h1>${title}</h1>
${body}
</main></body>
</html>
`);
}

function contentOf(page: UnsubscribePage, { ask, done, critical, undo, settings, refused }: Words): [string, Html] {
    if (page.type === 'refused') return [refused.title, html`<p>${refused.text}</p>`];
    const { title, all, one } = page.type === 'ask' ? ask : done;
    const what = html`<p>${page.scope === '*' ? all : one(html`<code>${page.scope}</code>`)}</p>
<p class="faint">${critical}</p>`;
    // Without an action a form goes to where the page is from, token and all.
    const form = html`<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button type="submit">${ask.button}</button></form>`;
    const link = page.settingsUrl === null ? null : html`<p><a href="${page.settingsUrl}">${settings}</a></p>`;
    const back = html`<p class="faint">${undo}</p>${link}`;
    return [title, html`${what}${page.type === 'ask' ? form : back}`];
}

function wordsFor(accepted: string): readonly [string, Words] {
    const languages = accepted.split(',').map((range) => range.trim().slice(0, 2).toLowerCase());
    return languages.find((language) => language === 'de' || language === 'en') === 'de'
        ? ['de', GERMAN]
        : ['en', ENGLISH];
}

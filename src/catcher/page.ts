/** The document around everything: head, bar, list and pane. */

import { html } from 'hono/html';

/** HTML with everything that was put into it escaped. */
export type Markup = ReturnType<typeof html>;

/** What is put into the document. `version` is the list's; `open` is the mail that is shown, null if none is. */
export type Page = {
    readonly list: Markup;
    readonly pane: unknown;
    readonly version: string;
    readonly open: string | null;
};

/** Only what we serve ourselves, and no script or style that stands in a page. */
export const PAGE_POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
].join('; ');

const ICON =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%230f766e' d='M1 3h14v10H1z'/%3E%3Cpath fill='none' stroke='white' stroke-width='1.5' d='m1 4 7 5 7-5'/%3E%3C/svg%3E";

/** Writes the document. */
export function pageMarkup({ list, pane, version, open }: Page): Markup {
    return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Caught mail – Tidings</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="/style.css">
<script src="/script.js" defer></script>
</head>
<body class="${open === null ? 'at-list' : 'at-mail'}">
<header class="bar">
<a class="home" href="/">Caught mail</a>
<span class="aside">Nothing here was sent on.</span>
<span id="status" role="status"></span>
<form method="post" action="/delete"><button id="delete">Delete all</button></form>
</header>
<nav id="list" aria-label="Mails" data-version="${version}" data-open="${open ?? ''}">${list}</nav>
<main>${pane}</main>
</body>
</html>
`;
}

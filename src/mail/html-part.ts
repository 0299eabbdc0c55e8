/** The HTML of a mail: one column of tables, as mail clients need them; no images, no scripts, nothing loaded. */

import { type Html, html, linesOf, markupOf, verbatim } from './html.ts';
import type { Outline, OutlineEntry, OutlineGroup } from './outline.ts';
import { STYLE, STYLE_BLOCK } from './style.ts';

/** Lays it out as a document. */
export function htmlPart(outline: Outline): string {
    const { language, subject, preheader, heading, summary, groups, elsewhere, open } = outline;
    return markupOf(html`<!doctype html>
<html lang="${language}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<title>${subject}</title>
<style>${verbatim(STYLE_BLOCK)}</style>
</head>
<body class="page" style="${STYLE.body}">
<div style="${STYLE.preheader}">${preheader}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="${STYLE.page}"><tr>
<td align="center" class="outer" style="padding:24px 12px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="card" style="${STYLE.card}">
<tr><td style="${STYLE.heading}" class="strong"><h1 style="margin:0;font-size:22px;line-height:28px;font-weight:700;">${heading}</h1></td></tr>
${summary === null ? null : row('summary', 'plain', summary)}
${groups.map(groupRows)}
${elsewhere === null ? null : row('more', 'faint', elsewhere)}
<tr><td style="padding:28px 24px 30px 24px;">
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="button" style="${STYLE.button}">
<a href="${open.link}" style="${STYLE.buttonLink}">${open.text}</a>
</td></tr></table>
</td></tr>
</table>
${footer(outline)}
</td></tr></table>
</body>
</html>
`);
}

function row(style: 'summary' | 'more', colour: string, text: string): Html {
    return html`<tr><td style="${STYLE[style]}" class="${colour}" dir="auto">${text}</td></tr>
`;
}

function groupRows({ title, entries, more }: OutlineGroup): Html {
    const head = html`<tr><td style="${STYLE.group}" class="strong" dir="auto"><h2 style="margin:0;font-size:18px;line-height:24px;font-weight:700;">${title}</h2></td></tr>
`;
    return html`${title === null ? null : head}${entries.map(entryRow)}${more === null ? null : row('more', 'faint', more)}`;
}

function entryRow({ title, body, link, details, important }: OutlineEntry): Html {
    const name =
        link === null ? html`${title}` : html`<a href="${link}" class="link" style="${STYLE.link}">${title}</a>`;
    const label = html`<tr><td style="${STYLE.important}" class="warn">${important}</td></tr>`;
    const text = html`<tr><td style="${STYLE.text}" class="plain" dir="auto">${linesOf(body ?? '')}</td></tr>`;
    const [box, style] = important === null ? ['box', STYLE.box] : ['box-warn', STYLE.boxImportant];
    return html`<tr><td style="${STYLE.entry}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td class="${box}" style="${style}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
${important === null ? null : label}<tr><td style="${STYLE.title}" class="strong" dir="auto">${name}</td></tr>
${body === null ? null : text}<tr><td style="${STYLE.details}" class="faint" dir="auto">${details}</td></tr>
</table>
</td></tr></table>
</td></tr>
`;
}

function footer({ why, timesIn, unsubscribe }: Outline): Html {
    return html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="${STYLE.footer}">
<tr><td style="${STYLE.footerText}" class="faint">${why} ${timesIn}<br>
<a href="${unsubscribe.link}" class="faint" style="${STYLE.footerLink}">${unsubscribe.text}</a></td></tr>
</table>`;
}

/** How a mail looks. What must hold everywhere is written inline; the block is for phones and for the dark. */

const FONT = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;";

/** Inline styles, for clients that know no style block. */
export const STYLE = {
    body: 'margin:0;padding:0;background-color:#f3f4f6;',
    preheader:
        'display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all;font-size:1px;line-height:1px;color:#f3f4f6;',
    page: 'background-color:#f3f4f6;',
    card: `max-width:600px;background-color:#ffffff;border-radius:12px;${FONT}`,
    heading: `padding:28px 24px 0 24px;${FONT}font-size:22px;line-height:28px;font-weight:700;color:#111827;`,
    summary: `padding:6px 24px 0 24px;${FONT}font-size:16px;line-height:24px;color:#4b5563;`,
    group: `padding:30px 24px 0 24px;${FONT}font-size:18px;line-height:24px;font-weight:700;color:#111827;`,
    entry: 'padding:14px 24px 0 24px;',
    box: 'border-left:3px solid #d1d5db;padding:2px 0 2px 14px;',
    boxImportant: 'border-left:3px solid #c2410c;padding:2px 0 2px 14px;',
    title: `${FONT}font-size:18px;line-height:25px;font-weight:600;color:#111827;word-break:break-word;overflow-wrap:anywhere;`,
    link: 'color:#1d4ed8;text-decoration:none;',
    important: `${FONT}font-size:16px;line-height:24px;font-weight:700;color:#c2410c;`,
    text: `padding:2px 0 0 0;${FONT}font-size:16px;line-height:24px;color:#374151;word-break:break-word;overflow-wrap:anywhere;`,
    details: `padding:2px 0 0 0;${FONT}font-size:16px;line-height:24px;color:#5b6472;`,
    more: `padding:12px 24px 0 24px;${FONT}font-size:16px;line-height:24px;color:#5b6472;`,
    button: 'border-radius:8px;background-color:#1d4ed8;',
    buttonLink: `display:inline-block;padding:13px 22px;${FONT}font-size:16px;line-height:20px;font-weight:600;color:#ffffff;text-decoration:none;`,
    footer: `max-width:600px;${FONT}`,
    footerText: `padding:18px 24px 28px 24px;${FONT}font-size:16px;line-height:24px;color:#5b6472;word-break:break-word;`,
    footerLink: 'color:#5b6472;text-decoration:underline;',
} as const;

/** The style block: it must repeat colours with `!important`, as it stands against inline styles. */
export const STYLE_BLOCK = `
:root{color-scheme:light dark;supported-color-schemes:light dark}
body{-webkit-text-size-adjust:100%;text-size-adjust:100%}
table{border-collapse:separate;border-spacing:0}
@media (max-width:620px){.outer{padding:0!important}.card{border-radius:0!important}}
@media (prefers-color-scheme:dark){
.page{background-color:#0b0f17!important}
.card{background-color:#161c27!important}
.strong{color:#f3f4f6!important}
.plain{color:#d1d5db!important}
.faint{color:#9ca3af!important}
.link{color:#93b4ff!important}
.warn{color:#fdba74!important}
.box{border-left-color:#374151!important}
.box-warn{border-left-color:#fb923c!important}
.button{background-color:#3b66f0!important}
}
`;

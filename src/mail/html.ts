/** HTML that escapes what is put into it: text can only become markup by having been written as a template here. */

const MARKUP = Symbol('markup');

/** A piece of HTML made by {@link html}. JSON can't hold one. */
export type Html = { readonly [MARKUP]: string };

type Value = string | number | Html | null | readonly (Html | null)[];

const ESCAPES: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
};

/** A template of HTML. Texts and numbers are escaped, null is nothing; put values between tags or into quoted attributes. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
    const text = parts.reduce((made, part, i) => `${made}${written(values[i - 1] ?? null)}${part}`);
    return { [MARKUP]: text };
}

/** Text whose line breaks are kept. */
export function linesOf(text: string): readonly Html[] {
    return text.split('\n').map((line, i) => (i === 0 ? html`${line}` : html`<br>${line}`));
}

/** The markup. */
export function markupOf(piece: Html): string {
    return piece[MARKUP];
}

/** Text of ours that is no HTML, such as a style sheet. */
export function verbatim(text: string): Html {
    return { [MARKUP]: text };
}

function written(value: Value): string {
    if (value === null) return '';
    if (typeof value === 'string') return value.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
    if (typeof value === 'number') return String(value);
    if (MARKUP in value) return value[MARKUP];
    return value.map(written).join('');
}

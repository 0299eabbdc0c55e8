/** Texts of users made fit to be shown: nothing in them steers a header, a terminal or the direction of what stands around. */

// Colours and cursor moves of terminals, whole.
const ANSI = /(?![\n\r\t])\p{Cc}\[[0-?]*[ -/]*[@-~]/gu;
const BREAKS = /\r\n?|[\n\u0085\u2028\u2029]/g;
// Controls, marks and overrides of direction, characters without width; joiners stay, as emoji and scripts need them.
const UNSEEN = /(?!\n)\p{Cc}|[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const LONE_SURROGATE = /\p{Cs}/gu;

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** As one line of at most `most` UTF-16 units. */
export function oneLine(text: string, most: number): string {
    return shorten(cleaned(text, most).replace(/\s+/g, ' ').trim(), most);
}

/** The same for a header. What looks like an encoded word would be decoded by the reader's client, after we looked at it. */
export function headerLine(text: string, most: number): string {
    return shorten(oneLine(text, most).replaceAll('=?', '= ?'), most);
}

/** As lines of at most `most` units altogether; what stood apart stays apart, by one empty line. */
export function fewLines(text: string, most: number): string {
    const lines = cleaned(text, most)
        .replace(/[^\S\n]+/g, ' ')
        .replace(/ ?\n ?/g, '\n')
        .replace(/\n{3,}/g, '\n\n');
    return shorten(lines.trim(), most);
}

/** Cut between characters as a reader sees them, with an ellipsis, if it is too long. */
function shorten(text: string, most: number): string {
    if (text.length <= most) return text;
    let end = 0;
    for (const { index, segment } of GRAPHEMES.segment(text.slice(0, most))) {
        if (index + segment.length > most - 1) break;
        end = index + segment.length;
    }
    // A single letter with a thousand accents: better cut it than lose all.
    const cut = end > 0 ? text.slice(0, end) : text.slice(0, most - 1).replace(LONE_SURROGATE, '');
    return `${cut.trimEnd()}…`;
}

/** A multiple of what is shown is looked at, as what is taken out doesn't count. */
function cleaned(text: string, most: number): string {
    return text
        .slice(0, most * 8)
        .replace(ANSI, '')
        .replace(BREAKS, '\n')
        .replace(/\t/g, ' ')
        .replace(UNSEEN, '')
        .replace(LONE_SURROGATE, '\ufffd');
}

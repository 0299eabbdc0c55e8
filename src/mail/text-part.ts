/** The plain text of a mail. */

import type { Outline, OutlineEntry, OutlineGroup } from './outline.ts';

/** Lays it out as text; what users wrote is indented, so it can't pass for a heading of ours. */
export function textPart(outline: Outline): string {
    const { heading, summary, groups, elsewhere, open, why, timesIn, unsubscribe } = outline;
    const blocks = [
        [heading, ...(summary === null ? [] : [summary])].join('\n'),
        ...groups.map(groupText),
        ...(elsewhere === null ? [] : [elsewhere]),
        `${open.text}: ${open.link}`,
        ['-- ', why, timesIn, `${unsubscribe.text}: ${unsubscribe.link}`].join('\n'),
    ];
    return `${blocks.join('\n\n')}\n`;
}

function groupText({ title, entries, more }: OutlineGroup): string {
    const texts = entries.map(entryText);
    return [...(title === null ? [] : [`# ${title}`]), ...texts, ...(more === null ? [] : [`  ${more}`])].join('\n\n');
}

function entryText({ title, body, link, details, important }: OutlineEntry): string {
    const lines = [important === null ? title : `[${important}] ${title}`, ...(body?.split('\n') ?? []), details];
    if (link !== null) lines.push(link);
    return lines.map((line, i) => `${i === 0 ? '* ' : '  '}${line}`).join('\n');
}

/** What a mail says, worded and cleaned: the same for text and HTML, which only lay it out. */

import { fewLines, headerLine, oneLine } from './clean-text.ts';
import type { MailContent, MailEntry, MailGroup } from './content.ts';
import { linkOf } from './link.ts';
import { type Wording, wordingFor } from './wording.ts';

export type OutlineEntry = {
    readonly title: string;
    readonly body: string | null;
    readonly link: string | null;
    /** How often, by whom, when. */
    readonly details: string;
    /** The word for it, if it is. */
    readonly important: string | null;
};

export type OutlineGroup = {
    readonly title: string | null;
    readonly entries: readonly OutlineEntry[];
    readonly more: string | null;
};

export type Outline = {
    readonly language: string;
    readonly subject: string;
    /** What mail clients show beside the subject. */
    readonly preheader: string;
    readonly heading: string;
    readonly summary: string | null;
    readonly groups: readonly OutlineGroup[];
    /** What is left of groups that show no entry. */
    readonly elsewhere: string | null;
    readonly open: { readonly text: string; readonly link: string };
    readonly why: string;
    readonly timesIn: string;
    readonly unsubscribe: { readonly text: string; readonly link: string };
};

/** Where the links of a mail lead. */
export type MailLinks = {
    /** Where the application is, http or https. */
    readonly publicUrl: string;
    readonly unsubscribeUrl: string;
};

const LONGEST_SUBJECT = 110;
const LONGEST_PREHEADER = 140;
const LONGEST_SUMMARY = 300;
const LONGEST_TITLE = 200;
const LONGEST_BODY = 400;
const LONGEST_NAME = 60;
const NAMES = 3;

/** Puts it into words. */
export function outlineOf(content: MailContent, { publicUrl, unsubscribeUrl }: MailLinks): Outline {
    const wording = wordingFor(content.to);
    const { phrases, language, zone } = wording;
    const shown = content.groups.filter(({ entries }) => entries.length > 0);
    const hidden = content.groups.filter(({ entries }) => entries.length === 0);
    const elsewhere = hidden.reduce((sum, { more }) => sum + more, 0);
    const subject = subjectOf(content, wording);
    const parts = summaryOf(content);
    const summary = parts.length > 0 ? oneLine(parts.join(', '), LONGEST_SUMMARY) : null;
    return {
        language,
        subject,
        preheader: preheaderOf(shown, subject),
        heading: phrases.heading[content.kind],
        // A single entry is its own summary.
        summary: loneEntry(content) === null ? summary : null,
        groups: shown.map((group) => groupOf(group, wording, publicUrl)),
        elsewhere: elsewhere > 0 ? phrases.moreElsewhere(elsewhere) : null,
        open: { text: phrases.open, link: publicUrl },
        why: phrases.why[content.kind](new URL(publicUrl).host),
        timesIn: phrases.timesIn(zone),
        unsubscribe: { text: phrases.unsubscribe, link: unsubscribeUrl },
    };
}

/** What is inside, as much of it as fits: "3 assigned to you, 5 comments". */
function subjectOf(content: MailContent, { phrases }: Wording): string {
    const alone = content.kind === 'instant' ? loneEntry(content) : null;
    const title = alone === null ? '' : headerLine(alone.title, LONGEST_SUBJECT);
    if (title !== '') return title;
    const parts = summaryOf(content);
    let subject = parts[0] ?? phrases.notifications(content.count);
    for (const [i, part] of parts.slice(1).entries()) {
        const longer = `${subject}, ${part}`;
        if (longer.length > LONGEST_SUBJECT) {
            const left = content.summary.slice(i + 1).reduce((sum, { count }) => sum + count, 0);
            return headerLine(`${subject} ${phrases.andMore(left)}`, LONGEST_SUBJECT + 20);
        }
        subject = longer;
    }
    return headerLine(subject, LONGEST_SUBJECT);
}

function summaryOf({ summary }: MailContent): readonly string[] {
    return summary.map(({ text }) => oneLine(text, LONGEST_SUBJECT)).filter((text) => text !== '');
}

function loneEntry({ groups }: MailContent): MailEntry | null {
    const entries = groups.flatMap((group) => group.entries);
    const left = groups.some(({ more }) => more > 0);
    return entries.length === 1 && !left ? (entries[0] ?? null) : null;
}

/** The first titles, but not once more what the subject says. */
function preheaderOf(groups: readonly MailGroup[], subject: string): string {
    const entries = groups.flatMap((group) => group.entries).slice(0, 4);
    const texts = entries.flatMap(({ title, body }) => [
        oneLine(title, LONGEST_PREHEADER),
        ...(entries.length === 1 && body !== null ? [oneLine(body, LONGEST_PREHEADER)] : []),
    ]);
    return oneLine(texts.filter((text) => text !== subject).join(' · '), LONGEST_PREHEADER);
}

function groupOf({ title, entries, more }: MailGroup, wording: Wording, publicUrl: string): OutlineGroup {
    return {
        title: title === null ? null : oneLine(title, LONGEST_TITLE) || null,
        entries: entries.map((entry) => entryOf(entry, wording, publicUrl)),
        more: more > 0 ? wording.phrases.moreEntries(more) : null,
    };
}

function entryOf(entry: MailEntry, { phrases, time, names }: Wording, publicUrl: string): OutlineEntry {
    const { title, body, url, count, actors, at, critical, type } = entry;
    const named = actors.slice(0, NAMES).map((name) => oneLine(name, LONGEST_NAME));
    const others = actors.length - named.length;
    const who = others > 0 ? [...named, phrases.others(others)] : named;
    const details = [
        count > 1 ? phrases.times(count) : '',
        // A title names who did it last.
        count > 1 && who.length > 1 ? names(who) : '',
        time(at),
    ];
    return {
        title: oneLine(title, LONGEST_TITLE) || type,
        body: body === null ? null : fewLines(body, LONGEST_BODY) || null,
        link: linkOf(url, publicUrl),
        details: details.filter((text) => text !== '').join(' · '),
        important: critical ? phrases.important : null,
    };
}

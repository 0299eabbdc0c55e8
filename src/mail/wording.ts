/** How a reader is written to: fixed words in a language, times in a zone, names in a row. */

import type { MailReader } from './content.ts';
import { type Phrases, phrasesFor } from './phrases.ts';

export type Wording = {
    /** Of the fixed words, as an HTML `lang`. */
    readonly language: string;
    readonly phrases: Phrases;
    readonly zone: string;
    /** A moment in the reader's zone; nothing for what is none. */
    readonly time: (iso: string) => string;
    readonly names: (names: readonly string[]) => string;
};

const KEPT = 500;
const wordings = new Map<string, Wording>();

/** The wording for a reader. Kept by locale and zone, as formatters are dear. */
export function wordingFor({ locale, timeZone }: Pick<MailReader, 'locale' | 'timeZone'>): Wording {
    const key = `${locale}\n${timeZone}`;
    const kept = wordings.get(key);
    if (kept !== undefined) return kept;
    if (wordings.size >= KEPT) wordings.clear();
    const made = makeWording(localeOf(locale), zoneOf(timeZone));
    wordings.set(key, made);
    return made;
}

function makeWording(locale: string, timeZone: string): Wording {
    const { language, phrases } = phrasesFor(locale);
    // Times beside words of another language would look strange.
    const shown = locale.split('-')[0]?.toLowerCase() === language ? locale : language;
    const times = new Intl.DateTimeFormat(shown, {
        timeZone,
        weekday: 'short',
        day: 'numeric',
        month: 'short',
        hour: 'numeric',
        minute: '2-digit',
    });
    const list = new Intl.ListFormat(shown, { type: 'conjunction' });
    return {
        language,
        phrases,
        zone: timeZone.replaceAll('_', ' '),
        time: (iso) => (Number.isNaN(Date.parse(iso)) ? '' : times.format(new Date(iso))),
        names: (names) => list.format(names),
    };
}

/** A locale Intl takes: `de_DE.UTF-8` is `de-DE`, what is none is English. */
function localeOf(locale: string | null): string {
    const tag = (locale ?? '').split(/[.@]/)[0]?.replaceAll('_', '-') ?? '';
    try {
        return Intl.getCanonicalLocales(tag)[0] ?? 'en';
    } catch {
        return 'en';
    }
}

/** PostgreSQL knows some zones that Intl doesn't. */
function zoneOf(timeZone: string): string {
    try {
        new Intl.DateTimeFormat('en', { timeZone });
        return timeZone;
    } catch {
        return 'UTC';
    }
}

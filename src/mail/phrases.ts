/** The fixed words of a mail by language. To add a language, add its table to `LANGUAGES`. */

import type { MailKind } from './content.ts';

/** What a mail says besides what users wrote. */
export type Phrases = {
    readonly heading: Readonly<Record<MailKind, string>>;
    /** For the subject where no type has words of its own. */
    readonly notifications: (count: number) => string;
    /** Of a subject, kinds of things left out. */
    readonly andMore: (count: number) => string;
    readonly moreEntries: (count: number) => string;
    readonly moreElsewhere: (count: number) => string;
    readonly times: (count: number) => string;
    /** In a list of people, those left out. */
    readonly others: (count: number) => string;
    readonly important: string;
    readonly open: string;
    readonly why: Readonly<Record<MailKind, (place: string) => string>>;
    readonly timesIn: (zone: string) => string;
    readonly unsubscribe: string;
};

const ENGLISH: Phrases = {
    heading: {
        instant: 'News for you',
        hourly: 'What happened in the last hour',
        daily: 'Your daily summary',
        weekly: 'Your weekly summary',
        manual: 'What you have not read yet',
    },
    notifications: (count) => (count === 1 ? '1 notification' : `${count} notifications`),
    andMore: (count) => `and ${count} more`,
    moreEntries: (count) => (count === 1 ? 'and 1 more' : `and ${count} more`),
    moreElsewhere: (count) => (count === 1 ? 'and 1 more elsewhere' : `and ${count} more elsewhere`),
    times: (count) => `${count} times`,
    others: (count) => (count === 1 ? '1 other' : `${count} others`),
    important: 'Important',
    open: 'See everything',
    why: {
        instant: (place) => `You get this mail because ${place} writes to you at once.`,
        hourly: (place) => `You get this mail because ${place} writes to you at most once an hour.`,
        daily: (place) => `You get this mail because ${place} writes to you at most once a day.`,
        weekly: (place) => `You get this mail because ${place} writes to you at most once a week.`,
        manual: (place) => `You get this mail because somebody at ${place} had it sent to you.`,
    },
    timesIn: (zone) => `All times are ${zone}.`,
    unsubscribe: 'Unsubscribe',
};

const GERMAN: Phrases = {
    heading: {
        instant: 'Neues für dich',
        hourly: 'Das war in der letzten Stunde',
        daily: 'Dein Tagesüberblick',
        weekly: 'Dein Wochenüberblick',
        manual: 'Was du noch nicht gelesen hast',
    },
    notifications: (count) => (count === 1 ? '1 Benachrichtigung' : `${count} Benachrichtigungen`),
    andMore: (count) => `und ${count} weitere`,
    moreEntries: (count) => (count === 1 ? 'und 1 weitere' : `und ${count} weitere`),
    moreElsewhere: (count) => (count === 1 ? 'und 1 weitere anderswo' : `und ${count} weitere anderswo`),
    times: (count) => `${count}-mal`,
    others: (count) => (count === 1 ? '1 weitere Person' : `${count} weitere`),
    important: 'Wichtig',
    open: 'Alles ansehen',
    why: {
        instant: (place) => `Du bekommst diese Mail, weil ${place} dir sofort schreibt.`,
        hourly: (place) => `Du bekommst diese Mail, weil ${place} dir höchstens einmal in der Stunde schreibt.`,
        daily: (place) => `Du bekommst diese Mail, weil ${place} dir höchstens einmal am Tag schreibt.`,
        weekly: (place) => `Du bekommst diese Mail, weil ${place} dir höchstens einmal in der Woche schreibt.`,
        manual: (place) => `Du bekommst diese Mail, weil jemand bei ${place} sie dir schicken ließ.`,
    },
    timesIn: (zone) => `Alle Zeiten gelten für ${zone}.`,
    unsubscribe: 'Abbestellen',
};

/** By primary language subtag. */
const LANGUAGES: ReadonlyMap<string, Phrases> = new Map([
    ['en', ENGLISH],
    ['de', GERMAN],
]);

/** The words for a BCP 47 locale and the language they are in; English where there are none. */
export function phrasesFor(locale: string): { readonly language: string; readonly phrases: Phrases } {
    const language = locale.split('-')[0]?.toLowerCase() ?? '';
    const phrases = LANGUAGES.get(language);
    return phrases === undefined ? { language: 'en', phrases: ENGLISH } : { language, phrases };
}

/**
 * Which mails a simulated month has to bring, worked out from what the clocks on people's walls show.
 *
 * - An hour ends whenever the local clock shows a full hour. A day ends when it shows the digest hour: if that comes twice, the
 *   second time; if it never comes, when the clock has jumped over it. A week is such a day of one weekday.
 * - Quiet hours hold while the local clock shows a time within them, until it has shown their end for the first time.
 * - A period is mailed at the first tick at or after its end that is not quiet. If the next has ended by then, it is mailed
 *   with that one. An instant mail is due at every tick, for what is older than ten seconds.
 * - A notification is told in the first period that is mailed and ends later than it was made.
 */

import { type LocalClock, readClock, STEP_MS } from './month-clock.ts';
import { DEFAULT_KIND, idOf, type Kind, type Note, type Person } from './month-people.ts';

const INSTANT_DELAY_MS = 10_000;

/** A mail that has to come: at which tick, and telling what. `key` is what its Message-ID is made of. */
export type ExpectedMail = {
    readonly key: string;
    readonly userId: string;
    readonly kind: Kind;
    readonly endMs: number;
    readonly tickMs: number;
    readonly numbers: readonly number[];
};

export type Expected = {
    readonly mails: readonly ExpectedMail[];
    /** Periods of all people and kinds that were to be mailed if there was anything to tell. */
    readonly periods: number;
};

type Period = { readonly name: string; readonly endMs: number };
type MailedPeriod = Period & { readonly tickMs: number };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** So that the weeks that began before the month are known. */
const BEFORE_MS = 8 * DAY_MS;

export function expectMails(people: readonly Person[], notes: readonly Note[], ticks: readonly number[]): Expected {
    const firstMs = ticks[0] ?? 0;
    const lastMs = ticks.at(-1) ?? 0;
    const clocks = new Map<string, LocalClock>();
    const notesOf = groupBy(notes, ({ userId }) => userId);
    const mails: ExpectedMail[] = [];
    let periods = 0;
    for (const person of people) {
        const clock = clocks.get(person.zone) ?? readClock(person.zone, firstMs - BEFORE_MS, lastMs);
        clocks.set(person.zone, clock);
        const loud = ticks.filter((tickMs) => !isQuiet(person, clock, tickMs));
        for (const [kind, some] of groupBy(notesOf.get(person.id) ?? [], ({ cadence }) => cadence ?? DEFAULT_KIND)) {
            if (kind === 'off') continue;
            const mailed = mailedPeriods(periodsOf(kind, person, clock, ticks), loud);
            periods += mailed.length;
            mails.push(...mailsOf(person, kind, some, mailed));
        }
    }
    return { mails, periods };
}

/** Of one person and kind. What was all read meanwhile is no mail. */
function mailsOf(person: Person, kind: Kind, notes: readonly Note[], mailed: readonly MailedPeriod[]): ExpectedMail[] {
    const mails: ExpectedMail[] = [];
    for (const [period, told] of groupBy(notes, ({ atMs }) => mailed.find(({ endMs }) => endMs > atMs))) {
        if (period === undefined) continue;
        const numbers = told.filter(({ isRead }) => !isRead).map(({ number }) => number);
        if (numbers.length > 0) mails.push({ ...mailOf(person, kind, period, told), numbers });
    }
    return mails;
}

function mailOf({ id }: Person, kind: Kind, { name, endMs, tickMs }: MailedPeriod, told: readonly Note[]) {
    // No two instant mails are of one period: each is named by what it tells.
    const period = kind === 'instant' ? idOf(Math.min(...told.map(({ number }) => number))) : name;
    return { key: `${id}:${kind}:${period}`, userId: id, kind, endMs, tickMs };
}

/** At a tick, which is a step of the clock. */
function isQuiet({ quiet }: Person, { fromMs, faces, shown }: LocalClock, tickMs: number): boolean {
    if (quiet === null) return false;
    const step = (tickMs - fromMs) / STEP_MS;
    const face = faces[step] ?? Number.NaN;
    const midnight = face - (face % DAY_MS);
    const minute = (face - midnight) / MINUTE_MS;
    const wraps = quiet.from > quiet.to;
    const isEvening = wraps && minute >= quiet.from;
    const isWithin = wraps ? isEvening || minute < quiet.to : minute >= quiet.from && minute < quiet.to;
    const end = midnight + (isEvening ? DAY_MS : 0) + quiet.to * MINUTE_MS;
    return isWithin && (shown[step] ?? 0) <= end;
}

function periodsOf(kind: Kind, person: Person, clock: LocalClock, ticks: readonly number[]): readonly Period[] {
    if (kind === 'instant') return ticks.map((tickMs) => ({ name: '', endMs: tickMs - INSTANT_DELAY_MS }));
    if (kind === 'hourly') return hoursOf(clock);
    return daysOf(person, clock).filter(({ name }) => kind === 'daily' || weekdayOf(name) === person.weekday);
}

const weekdayOf = (day: string) => new Date(day).getUTCDay() || 7;

function hoursOf({ fromMs, faces }: LocalClock): readonly Period[] {
    return faces.flatMap((face, step) => {
        const endMs = fromMs + step * STEP_MS;
        return face % HOUR_MS === 0 ? [{ name: `${new Date(endMs).toISOString().slice(0, 16)}Z`, endMs }] : [];
    });
}

function daysOf({ hour }: Person, { fromMs, faces }: LocalClock): readonly Period[] {
    const first = faces[0] ?? 0;
    const periods: Period[] = [];
    for (let day = first - (first % DAY_MS); ; day += DAY_MS) {
        const wanted = day + hour * HOUR_MS;
        if (wanted < first) continue;
        const shown = faces.lastIndexOf(wanted);
        const step = shown === -1 ? faces.findIndex((face) => face > wanted) : shown;
        if (step === -1) return periods;
        periods.push({ name: new Date(day).toISOString().slice(0, 10), endMs: fromMs + step * STEP_MS });
    }
}

function groupBy<K, T>(some: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
    const groups = new Map<K, T[]>();
    for (const one of some) {
        const group = groups.get(keyOf(one));
        if (group === undefined) groups.set(keyOf(one), [one]);
        else group.push(one);
    }
    return groups;
}

/** Those with a tick of their own that is not quiet: after their end, before the next one's. */
function mailedPeriods(periods: readonly Period[], loud: readonly number[]): readonly MailedPeriod[] {
    let next = 0;
    return periods.flatMap((period, i) => {
        while (next < loud.length && (loud[next] ?? 0) < period.endMs) next += 1;
        const tickMs = loud[next];
        const followingMs = periods[i + 1]?.endMs ?? Number.POSITIVE_INFINITY;
        return tickMs !== undefined && tickMs < followingMs ? [{ ...period, tickMs }] : [];
    });
}

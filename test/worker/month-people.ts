/** People of a simulated month and what they are told, drawn from a seed: zones, cadences, hours, quiet hours. */

import { createRandom } from '../support/random.ts';

/** Offsets of half and quarter hours, clocks that change by half an hour, at midnight, for Ramadan, and not at all. */
export const ZONES = [
    'Africa/Casablanca',
    'America/Havana',
    'America/Los_Angeles',
    'America/New_York',
    'America/Santiago',
    'America/Sao_Paulo',
    'America/St_Johns',
    'Asia/Beirut',
    'Asia/Jerusalem',
    'Asia/Kathmandu',
    'Asia/Kolkata',
    'Asia/Tehran',
    'Australia/Lord_Howe',
    'Australia/Sydney',
    'Europe/Berlin',
    'Europe/London',
    'Pacific/Apia',
    'Pacific/Chatham',
    'Pacific/Kiritimati',
    'UTC',
] as const;

export type Kind = 'instant' | 'hourly' | 'daily' | 'weekly';
/** What somebody chose for a type; null: nothing. */
export type Cadence = Kind | 'off' | null;

/** What those who chose nothing get. */
export const DEFAULT_KIND = 'daily';

export const TYPES = ['note.made', 'report.made'] as const;
export type NoteType = (typeof TYPES)[number];

export type Person = {
    readonly id: string;
    readonly zone: string;
    /** Whether the zone is said by a schedule, or only known to the view of people. */
    readonly zoneIsScheduled: boolean;
    readonly cadences: Readonly<Record<NoteType, Cadence>>;
    readonly hour: number;
    /** 1 Monday … 7 Sunday. */
    readonly weekday: number;
    /** In minutes of the local day. */
    readonly quiet: { readonly from: number; readonly to: number } | null;
};

export type Note = {
    readonly number: number;
    readonly userId: string;
    readonly type: NoteType;
    readonly cadence: Cadence;
    readonly atMs: number;
    /** Read before any mail: told by none. */
    readonly isRead: boolean;
};

/** From, and until before. */
export type Span = readonly [fromMs: number, toMs: number];

const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4;
const CADENCES: readonly Cadence[] = [
    'hourly',
    'hourly',
    'daily',
    'daily',
    'daily',
    null,
    'weekly',
    'weekly',
    'instant',
    'off',
];
/** Those that do not exist or come twice on some night, more often than others. */
const HOURS = [0, 1, 2, 2, 3, 3, 8, 17, 23];
/** Around the hours of digests and the changes of clocks; most wrap midnight. */
const QUIETS = [
    '22:00-07:00',
    '23:30-06:45',
    '21:07-02:33',
    '21:07-02:33',
    '02:30-07:00',
    '13:00-14:00',
    '22:00-02:00',
    '00:00-03:00',
    '00:00-03:00',
    '20:15-20:00',
];
/** Notifications a day. */
const RATES: Readonly<Record<Kind, number>> = { instant: 1.5, hourly: 4, daily: 1.2, weekly: 0.4 };

const pad = (n: number) => String(n).padStart(12, '0');
/** A notification's id and the word by which a mail shows that it tells it. */
export const idOf = (number: number) => `00000000-0000-4000-8000-${pad(number)}`;
export const wordOf = (number: number) => `N${pad(number)}`;

export function drawPeople(count: number, seed: number): readonly Person[] {
    const random = createRandom(seed);
    const oneOf = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)] as T;
    return Array.from({ length: count }, (_, i) => {
        const usual = oneOf(CADENCES);
        return {
            id: `u${i}`,
            zone: ZONES[i % ZONES.length] as string,
            zoneIsScheduled: random() < 0.5,
            cadences: { 'note.made': usual, 'report.made': random() < 0.2 ? oneOf(CADENCES) : usual },
            hour: random() < 0.8 ? oneOf(HOURS) : Math.floor(random() * 24),
            weekday: 1 + Math.floor(random() * 7),
            quiet: random() < 0.4 ? quietOf(oneOf(QUIETS)) : null,
        };
    });
}

function quietOf(written: string): { from: number; to: number } {
    const [from = 0, to = 0] = written.split('-').map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
    return { from, to };
}

/** Of these spans of time, in order; `often` times as many as usual. */
export function drawNotes(people: readonly Person[], spans: readonly Span[], seed: number, often = 1): readonly Note[] {
    const random = createRandom(seed);
    const notes = spans.flatMap((span) =>
        people.flatMap(({ id, cadences }) =>
            TYPES.flatMap((type) => {
                const cadence = cadences[type];
                return drawTimes(span, often * rateOf(cadence), random).map((atMs) => {
                    return { userId: id, type, cadence, atMs, isRead: random() < 0.1 };
                });
            }),
        ),
    );
    return notes.sort((a, b) => a.atMs - b.atMs).map((note, i) => ({ ...note, number: i + 1 }));
}

function rateOf(cadence: Cadence): number {
    return RATES[cadence === null || cadence === 'off' ? DEFAULT_KIND : cadence] / TYPES.length;
}

/** One in four is told on the very quarter of an hour, where periods end. */
function drawTimes([fromMs, toMs]: Span, rate: number, random: () => number): readonly number[] {
    const times: number[] = [];
    for (let atMs = fromMs; ; ) {
        atMs += Math.ceil((-Math.log(1 - random()) * 24 * HOUR_MS) / rate);
        if (atMs >= toMs) return times;
        times.push(random() < 0.25 ? atMs - (atMs % QUARTER_MS) : atMs);
    }
}

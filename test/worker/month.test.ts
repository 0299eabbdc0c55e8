/**
 * A month of mails on a clock of its own, over every change of clocks of a spring: by the real worker, a real database and a real
 * mail server, held against a model that knows none of our SQL. `npm run month` plays all of it, every five minutes.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { STEP_MS } from './month-clock.ts';
import { expectMails } from './month-model.ts';
import { applyMutant, MUTANTS } from './month-mutants.ts';
import { drawNotes, drawPeople, type Span, ZONES } from './month-people.ts';
import { DOMAIN, playMonth } from './month-play.ts';
import { judgeMails } from './month-verdict.ts';

const isLong = process.env['MONTH_LONG'] === '1';
const SEED = Number(process.env['MONTH_SEED'] ?? 7);
const DAY_MS = 86_400_000;
const QUARTER_MS = 3 * STEP_MS;
const LIMIT_MS = isLong ? 3_600_000 : 120_000;

/** From the first of March to after the last change: Cuba and the United States, Morocco, Asia Minor, Europe, the south. */
const MONTH = spanOf('2026-03-01', '2026-04-08');
/** The days around the changes; between them the worker is down, and what was missed is put together when it comes back. */
const CHANGES = [
    spanOf('2026-03-07T12:00Z', '2026-03-09T12:00Z'),
    spanOf('2026-03-21T18:00Z', '2026-03-22T12:00Z'),
    spanOf('2026-03-28T12:00Z', '2026-03-30T00:00Z'),
    spanOf('2026-04-04T06:00Z', '2026-04-06T00:00Z'),
];
/** The night on which clocks are put back, and where. */
const AUTUMN = spanOf('2026-04-04T12:00Z', '2026-04-05T12:00Z');
const SOUTHERN = ['America/Santiago', 'Australia/Lord_Howe', 'Australia/Sydney', 'Pacific/Chatham'];
const SPANS = isLong ? [MONTH] : CHANGES;
const PEOPLE = isLong ? 1000 : 100;
const TICK_MS = isLong ? STEP_MS : QUARTER_MS;

function spanOf(from: string, to: string): Span {
    return [Date.parse(from), Date.parse(to)];
}

function ticksOf([fromMs, toMs]: Span, stepMs: number): readonly number[] {
    return Array.from({ length: (toMs - fromMs) / stepMs }, (_, i) => fromMs + i * stepMs);
}

const ticks = SPANS.flatMap((span) => ticksOf(span, TICK_MS));
/** What is told while the worker is down is told in its last days, so that no mail is too long to show all of it. */
const told = SPANS.map(([fromMs, toMs], i): Span => [fromMs - (i === 0 ? 0 : 3 * DAY_MS), toMs]);

let database: TestDatabase;

beforeEach(async () => {
    database = await openDatabase();
});

afterEach(() => database.close());

test(
    'a month brings each person one mail a period that has something to tell, when it is due and not in quiet hours',
    async () => {
        const people = drawPeople(PEOPLE, SEED);
        const notes = drawNotes(people, told, SEED);
        const expected = expectMails(people, notes, ticks);
        const startedMs = performance.now();
        const { arrived, failures } = await playMonth(database, people, notes, ticks);
        const entries = arrived.reduce((sum, { numbers }) => sum + numbers.length, 0);
        console.log(
            `${people.length} people in ${ZONES.length} zones, ${(((ticks.at(-1) ?? 0) - (ticks[0] ?? 0)) / DAY_MS).toFixed(0)} days ` +
                `in ${ticks.length} ticks, ${notes.length} notifications, ${expected.periods} periods due: ` +
                `${arrived.length} mails (expected ${expected.mails.length}) told ${entries} ` +
                `in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`,
        );
        expect(failures).toEqual([]);
        const problems = judgeMails(expected, arrived, DOMAIN);
        expect({ count: problems.length, first: problems.slice(0, 20) }).toEqual({ count: 0, first: [] });
        const ends = await database.sql`select distinct state, reason from tidings.digest where state <> 'sent'`;
        expect([...ends]).toEqual([{ state: 'skipped', reason: 'nothing left to tell' }]);
    },
    LIMIT_MS,
);

/** The night on which clocks are put back, with much to tell. */
async function playAutumn(): Promise<readonly string[]> {
    const people = drawPeople(2000, SEED).filter(({ zone }) => SOUTHERN.includes(zone));
    const few = ticksOf(AUTUMN, QUARTER_MS);
    const notes = drawNotes(people, [AUTUMN], SEED, 4);
    const { arrived } = await playMonth(database, people, notes, few);
    return judgeMails(expectMails(people, notes, few), arrived, DOMAIN);
}

describe.runIf(isLong)('the judge', () => {
    test(
        'finds nothing where nothing is wrong',
        async () => {
            expect(await playAutumn()).toEqual([]);
        },
        LIMIT_MS,
    );

    test.each(MUTANTS)(
        'notices that $what',
        async (mutant) => {
            await applyMutant(database.sql, mutant);
            const problems = await playAutumn();
            console.log(`${mutant.what}: ${problems.length} problems, the first: ${problems[0]}`);
            expect(problems.length).toBeGreaterThan(0);
        },
        LIMIT_MS,
    );
});

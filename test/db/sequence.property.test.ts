/** Random concurrent writers against rival runners: the stream holds what was committed, once, in order, without a gap. */

import type { ISql, Sql } from 'postgres';
import postgres from 'postgres';
import { afterEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createRandom } from '../support/random.ts';
import { createWorkload, judge } from '../support/stream-check.ts';

const WRITERS = 8;
const TRANSACTIONS = 40;
const CLEAN = { lost: [], invented: [], duplicated: [], gaps: [], inversions: [] };

let database: TestDatabase;

afterEach(() => database.close());

/** One writer: transactions of a few touches in any order, some slow, some with savepoints, some rolled back. */
async function write(sql: Sql, random: () => number): Promise<void> {
    const touch = (tx: ISql) => tx`select demo.touch(${1 + Math.floor(random() * 20)})`;
    for (let n = 0; n < TRANSACTIONS; n += 1) {
        await sql
            .begin(async (tx) => {
                // Some take their transaction id, and an event id, long before the row they touch last.
                await touch(tx);
                if (random() < 0.3) {
                    await tx`select pg_sleep(${random() * 0.03})`;
                }
                for (let more = Math.floor(random() * 3); more > 0; more -= 1) {
                    await touch(tx);
                }
                if (random() < 0.3) {
                    await tx
                        .savepoint((inner) => touch(inner).then(() => Promise.reject(new Error('undone'))))
                        .catch(ignoreUndone);
                }
                if (random() < 0.2) {
                    throw new Error('undone');
                }
            })
            .catch(ignoreUndone);
    }
}

/** Deadlocks between writers that touch rows in opposite order are theirs, not ours: the transaction is rolled back. */
function ignoreUndone(error: unknown): void {
    if (error instanceof Error && error.message !== 'undone' && !/deadlock detected/.test(error.message)) {
        throw error;
    }
}

/** Writes with `WRITERS` connections while two runners number; then numbers the rest. */
async function exercise(sql: Sql, url: string, seed: number, run: (sql: Sql) => Promise<boolean>): Promise<void> {
    const writers = postgres(url, { max: WRITERS, connection: { deadlock_timeout: 20 } });
    let writing = true;
    const runner = async () => {
        while (writing) {
            await run(sql);
        }
    };
    const runners = [runner(), runner()];
    await Promise.all(Array.from({ length: WRITERS }, (_, n) => write(writers, createRandom(seed * 1000 + n))));
    writing = false;
    await Promise.all(runners);
    await writers.end();
    while (await run(sql)) {
        // until nothing is left
    }
}

async function runSequence(sql: Sql): Promise<boolean> {
    const [row] = await sql`select numbered, more, busy from tidings.sequence()`;
    return row?.['numbered'] > 0 || row?.['more'] === true || row?.['busy'] === true;
}

describe('tidings.sequence under concurrent writers', () => {
    test.each([1, 2, 3])('numbers every committed event once, in order, without a gap (seed %i)', async (seed) => {
        database = await openDatabase();
        await createWorkload(database.sql);
        await exercise(database.sql, database.url, seed, runSequence);
        const [count] = await database.sql`select count(*)::int as n from demo.history`;
        expect(count?.['n']).toBeGreaterThan(300);
        expect(await judge(database.sql)).toEqual(CLEAN);
    });

    test('keeps all of it when a run may number only a few rows at a time', async () => {
        database = await openDatabase();
        await createWorkload(database.sql);
        await smallPages(database.sql, 7);
        await exercise(database.sql, database.url, 4, runSequence);
        expect(await judge(database.sql)).toEqual(CLEAN);
    });
});

describe('the judge', () => {
    test.each([
        [
            'a cursor over ids',
            `where e.id > coalesce((select max(s.event_id) from tidings.stream s), 0) order by e.id`,
            'lost',
        ],
        [
            'order by transaction',
            `where not exists (select from tidings.stream s where s.event_id = e.id) order by e.xid, e.id`,
            'inversions',
        ],
    ] as const)('objects to %s', async (_, rule, complaint) => {
        database = await openDatabase();
        await createWorkload(database.sql);
        await database.sql.unsafe(`
            create function demo.naive() returns integer language plpgsql as $$
            declare n integer;
            begin
                lock table tidings.runner in exclusive mode;
                with page as materialized (select e.id, e.at, e.topic from tidings.event e ${rule}),
                places as (select p.*, row_number() over () as n from page p)
                insert into tidings.stream
                select coalesce((select max(gseq) from tidings.stream), 0) + p.n, p.topic,
                    coalesce((select max(s.seq) from tidings.stream s where s.topic = p.topic), 0) + row_number() over (partition by p.topic order by p.n),
                    p.id, p.at, clock_timestamp() from places p;
                get diagnostics n = row_count;
                perform pg_sleep(0.02);
                return n;
            end $$`);
        await exercise(database.sql, database.url, 5, async (sql) => {
            const [row] = await sql`select demo.naive() as n`;
            return row?.['n'] > 0;
        });
        const verdict = await judge(database.sql);
        expect(verdict[complaint].length).toBeGreaterThan(0);
    });
});

/** The same function with another page size: paging is the same code whatever the size. */
async function smallPages(sql: Sql, size: number): Promise<void> {
    const [row] = await sql`select pg_get_functiondef('tidings.sequence()'::regprocedure) as definition`;
    const definition = String(row?.['definition']).replace(
        'c_page constant integer := 10000',
        `c_page constant integer := ${size}`,
    );
    await sql.unsafe(definition);
}

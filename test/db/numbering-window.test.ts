/** Rows that are drawn and committed just while a run takes its snapshot: after it read the ids, before it sees commits. */

import type { Sql } from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { sequenceAll, streamLines } from './log-reader.ts';

/** An advisory lock at which the run is made to wait. */
const GATE = 77;

let database: TestDatabase;
let sql: Sql;

beforeEach(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sequenceAll(sql);
    const [row] = await sql`select pg_get_functiondef('tidings.sequence()'::regprocedure) as definition`;
    const snapshot = 'v_now := pg_current_snapshot();';
    const definition = String(row?.['definition']);
    expect(definition).toContain(snapshot);
    await sql.unsafe(
        definition.replace(
            snapshot,
            `perform pg_advisory_lock_shared(${GATE}); perform pg_advisory_unlock_shared(${GATE}); ${snapshot}`,
        ),
    );
});

afterEach(() => database.close());

/** Runs the sequencer once, and `work` while it stands before its snapshot. */
async function duringSnapshot(work: () => PromiseLike<unknown>): Promise<void> {
    const gate = await sql.reserve();
    await gate`select pg_advisory_lock(${GATE})`;
    const run = sql`select numbered from tidings.sequence()`.execute();
    for (;;) {
        const [waiting] = await sql`
            select count(*)::int as n from pg_locks l
            where l.locktype = 'advisory' and l.objid = ${GATE} and not l.granted and l.database = (select oid from pg_database where datname = current_database())`;
        if (waiting?.['n'] === 1) break;
    }
    await work();
    await gate`select pg_advisory_unlock(${GATE})`;
    gate.release();
    await run;
}

/** A transaction that was open at the last run and has ended since, so that a run has work beside new ids. */
async function slowWriterEnds(): Promise<void> {
    const slow = await sql.reserve();
    await slow`begin`;
    await slow`select tidings.emit('demo:slow', 'note.made')`;
    await sql`select tidings.emit('demo:fast', 'note.made')`;
    await sequenceAll(sql);
    await slow`commit`;
    slow.release();
}

test('an event is numbered', async () => {
    await slowWriterEnds();
    await duringSnapshot(() => sql`select tidings.emit('demo:between', 'note.made')`);
    await sequenceAll(sql);
    expect((await streamLines(sql)).sort()).toEqual([
        'demo:between 1 note.made',
        'demo:fast 1 note.made',
        'demo:slow 1 note.made',
    ]);
});

test('the first capture error there ever was is told', async () => {
    await slowWriterEnds();
    await duringSnapshot(
        () => sql`select tidings.capture_failed('app.t', 't', 'INSERT', '{demo:lost}', null, '00000', 'made up', null)`,
    );
    await sequenceAll(sql);
    expect(await streamLines(sql)).toContain('demo:lost 1 tidings.reset');
});

/** What a run of the sequencer does besides numbering: paging, poison, epochs, and who may call it how. */

import type { ISql, Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeEach(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sequenceAll();
});

afterEach(() => database.close());

type Run = { numbered: number; gseq: string; epoch: string; more: boolean; busy: boolean };

async function sequence(on: ISql = sql): Promise<Run> {
    const [row] = await on<Run[]>`select numbered, gseq, epoch, more, busy from tidings.sequence()`;
    if (row === undefined) throw new Error('expected a row');
    return row;
}

/** Runs until nothing is left; how much was numbered. */
async function sequenceAll(): Promise<number> {
    let total = 0;
    for (;;) {
        const run = await sequence();
        total += run.numbered;
        if (!run.more && run.numbered === 0) return total;
    }
}

const emit = (topic: string, count = 1) =>
    sql`select tidings.emit(${topic}, 'note.made', jsonb_build_object('n', g)) from generate_series(1, ${count}) g`;

const stream = () =>
    sql`select s.topic || ' ' || s.seq || ' ' || e.event as line from tidings.stream s
        join tidings.event e on e.id = s.event_id and e.at = s.event_at order by s.gseq`.then((rows) =>
        rows.map((row) => row['line']),
    );

describe('a run', () => {
    test('writes nothing when there is nothing to number', async () => {
        const before = await sql`select count(*) from tidings.run`;
        expect(await sequence()).toMatchObject({ numbered: 0, more: false, busy: false });
        expect(await sql`select count(*) from tidings.run`).toEqual(before);
    });

    test('numbers at most 10 000 rows and says there is more', async () => {
        await emit('demo:1', 10_003);
        expect(await sequence()).toMatchObject({ numbered: 10_000, more: true });
        expect(await sequence()).toMatchObject({ numbered: 3, more: false });
        expect(await sql`select max(seq)::int as seq, count(*)::int as n from tidings.stream`).toEqual([
            { seq: 10_003, n: 10_003 },
        ]);
    });

    test('keeps an update behind the one it follows across pages', async () => {
        await emit('demo:1', 9_999);
        await sql`select tidings.emit('demo:2', 'note.first')`;
        await sql`select tidings.emit('demo:2', 'note.second')`;
        await sequenceAll();
        expect((await stream()).slice(-2)).toEqual(['demo:2 1 note.first', 'demo:2 2 note.second']);
    });

    test('answers busy while another holds the lock', async () => {
        await sql.begin(async (holder) => {
            await holder`lock table tidings.runner in exclusive mode`;
            expect(await sequence()).toMatchObject({ busy: true, numbered: 0 });
        });
        expect(await sequence()).toMatchObject({ busy: false });
    });

    test('refuses to run inside a larger transaction or another isolation level', async () => {
        const message = 'expected tidings.sequence() to be a statement of its own in READ COMMITTED';
        await expect(sql.begin((tx) => tx`select pg_current_xact_id()`.then(() => sequence(tx)))).rejects.toThrow(
            message,
        );
        await expect(sql.begin('isolation level repeatable read', (tx) => sequence(tx))).rejects.toThrow(message);
    });

    test('goes on numbering a topic whose head was flushed, and one whose days were dropped', async () => {
        await emit('demo:1', 3);
        await sequenceAll();
        expect(await sql`select tidings.flush_heads() as moved`).toEqual([{ moved: 1 }]);
        await sql`delete from tidings.stream`;
        await emit('demo:1');
        await sequenceAll();
        expect(await stream()).toEqual(['demo:1 4 note.made']);
    });

    test('waits for a transaction that was open at the last run, and takes it when it ends', async () => {
        const tx = await sql.reserve();
        await tx`begin`;
        await tx`select tidings.emit('demo:slow', 'note.made')`;
        await emit('demo:fast');
        expect(await sequenceAll()).toBe(1);
        await emit('demo:fast');
        expect(await sequenceAll()).toBe(1);
        await tx`commit`;
        tx.release();
        expect(await sequenceAll()).toBe(1);
        expect(await stream()).toEqual(['demo:fast 1 note.made', 'demo:fast 2 note.made', 'demo:slow 1 note.made']);
    });
});

test('reads only what the open transactions wrote when they end, however long the day is', async () => {
    await emit('demo:old', 5000);
    await sequenceAll();
    await sql`analyze tidings.event`;
    const tx = await sql.reserve();
    await tx`begin`;
    await tx`select tidings.emit('demo:slow', 'note.made')`;
    await emit('demo:fast');
    await sequenceAll();
    await tx`commit`;
    tx.release();
    const runner = await sql.reserve();
    // A backend's counts are told when it is asked, and by the others at their end.
    await runner`
        select pg_terminate_backend(a.pid, 10000) from pg_stat_activity a
        where a.datname = current_database() and a.pid <> pg_backend_pid()`;
    const before = await entriesRead(runner);
    expect(await sequence(runner)).toMatchObject({ numbered: 1 });
    expect((await entriesRead(runner)) - before).toBeLessThan(100);
    runner.release();
});

/** Entries read from the indexes of the log. */
async function entriesRead(on: ISql): Promise<number> {
    await on`select pg_stat_force_next_flush()`;
    const [row] = await on<{ n: number }[]>`
        select sum(i.idx_tup_read)::int as n from pg_stat_all_indexes i
        where i.schemaname = 'tidings' and i.relname like 'event\\_%'`;
    return row?.n ?? 0;
}

test('takes the event of the only writer there is, which no snapshot lists while nobody completes after it', async () => {
    const tx = await sql.reserve();
    await tx`begin`;
    await tx`select tidings.emit('demo:only', 'note.made')`;
    for (let n = 0; n < 5; n += 1) await sequence();
    await tx`commit`;
    tx.release();
    expect(await sequenceAll()).toBe(1);
});

describe('a row that cannot be numbered', () => {
    test('is put aside, its topic is reset, and the rest of the batch goes on', async () => {
        await sql`alter table tidings.stream add constraint poison check (topic <> 'demo:bad' or seq <> 2) not valid`;
        await emit('demo:good', 5);
        await emit('demo:bad', 1);
        await sequenceAll();
        await emit('demo:bad', 1);
        await emit('demo:good', 3);
        await sequence();
        expect((await stream()).filter((line) => line.startsWith('demo:good'))).toHaveLength(8);
        expect(await sql`select topics, operation from tidings.capture_error`).toEqual([
            { topics: ['demo:bad'], operation: 'NUMBER' },
        ]);
        await sql`alter table tidings.stream drop constraint poison`;
        await sequenceAll();
        expect((await stream()).filter((line) => line.startsWith('demo:bad'))).toEqual([
            'demo:bad 1 note.made',
            'demo:bad 2 tidings.reset',
        ]);
    });

    test('raises a floor of its kind when not even the mark can be numbered', async () => {
        await sql`alter table tidings.stream add constraint poison check (topic <> 'demo:bad') not valid`;
        await emit('demo:bad');
        await emit('demo:good');
        await sequenceAll();
        expect(await stream()).toEqual(['demo:good 1 note.made', 'tidings:control 1 tidings.floor']);
        expect(await sql`select kind from tidings.kind_floor`).toEqual([{ kind: 'demo' }]);
    });
});

describe('an epoch', () => {
    const currentEpoch = async () => (await sql`select epoch from tidings.run order by run desc limit 1`)[0]?.['epoch'];

    test('ends when the database finds itself in another cluster, and each event is numbered once', async () => {
        await emit('demo:1', 3);
        await sequenceAll();
        await emit('demo:1', 2);
        const before = await currentEpoch();
        // What a dump restored elsewhere looks like: rows carry transaction ids of another cluster, here much higher ones.
        await sql`update tidings.event set xid = (xid::text::bigint + 1000000)::text::xid8`;
        await sql`update tidings.run set system_identifier = 42, postmaster_started_at = '2020-01-01',
            prev = format('%1$s:%1$s:', pg_snapshot_xmax(prev)::text::bigint + 1000000)::pg_snapshot,
            prev_xid = (prev_xid::text::bigint + 1000000)::text::xid8`;
        const open = await sql.reserve();
        await open`begin`;
        await open`select tidings.emit('demo:open', 'note.made')`;
        await sequenceAll();
        expect(await currentEpoch()).not.toBe(before);
        await open`commit`;
        open.release();
        await emit('demo:1');
        await sequenceAll();
        expect(await stream()).toEqual([
            ...[1, 2, 3, 4, 5].map((seq) => `demo:1 ${seq} note.made`),
            'demo:open 1 note.made',
            'demo:1 6 note.made',
        ]);
    });

    test('starts by hand and loses nothing', async () => {
        await emit('demo:1', 2);
        const before = await currentEpoch();
        await sql`select tidings.new_epoch()`;
        await sequenceAll();
        expect(await currentEpoch()).not.toBe(before);
        expect(await stream()).toEqual(['demo:1 1 note.made', 'demo:1 2 note.made']);
    });

    test('stays the same over a restart of the server process', async () => {
        const before = await currentEpoch();
        await sql`update tidings.run set postmaster_started_at = '2020-01-01'`;
        await emit('demo:1');
        await sequenceAll();
        expect(await currentEpoch()).toBe(before);
    });
});

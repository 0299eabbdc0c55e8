import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReplay, Ring } from '../../src/fanout/index.ts';
import type { Observation } from '../../src/observe.ts';
import { createTopicLog } from '../../src/store/topic-log.ts';
import { sequenceAll } from '../db/log-reader.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
    database = await openDatabase();
    const { sql } = database;
    // Values over 8 kB are shortened one by one; a row of many is not.
    const wide = `(select jsonb_object_agg('k' || k, repeat('x', 7000)) from generate_series(1, 60) k)`;
    await sql.unsafe(`select tidings.emit('user:wide', 'thing.happened', ${wide}) from generate_series(1, 6)`);
    await sql.unsafe(`select tidings.emit('user:ann', 'thing.happened') from generate_series(1, 1700)`);
    await sequenceAll(sql);
});
afterAll(async () => await database.close());

test('a read ends after a megabyte of data, and says how far it went', async () => {
    const log = createTopicLog(database.sql);
    const page = await log.read('user:wide', 0, 6, 500);
    expect([page.events.map(({ seq }) => seq), page.upto]).toEqual([[1, 2, 3], 3]);
    const rest = await log.read('user:wide', 4, 6, 500);
    expect([rest.events.map(({ seq }) => seq), rest.upto]).toEqual([[5, 6], 6]);
});

test('hundreds who resume at once from different places are served by a handful of reads', async () => {
    const observed: Observation[] = [];
    const log = createTopicLog(database.sql);
    const [pin] = await log.pin([{ userId: 'ann', topic: 'user:ann', since: 0 }]);
    const base = pin?.epoch ?? '';
    const replay = createReplay({ ring: new Ring(), log, observe: (seen) => void observed.push(seen) });

    async function follow(after: number): Promise<number> {
        let cursor = after;
        while (cursor < 1700) {
            const range = { topic: 'user:ann', base, after: cursor, upto: 1700 };
            const rows = replay.recall(range) ?? (await replay.read(range)) ?? [];
            expect(rows[0]?.seq).toBe(cursor + 1);
            cursor = rows.at(-1)?.seq ?? 0;
        }
        return cursor - after;
    }

    const counts = await Promise.all(Array.from({ length: 400 }, (_, n) => follow((n * 7919) % 1700)));
    expect(counts).toEqual(counts.map((_, n) => 1700 - ((n * 7919) % 1700)));
    expect(observed.length).toBeLessThanOrEqual(8);
});

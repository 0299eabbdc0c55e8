/** Do the sequencer and the tail stay cheap beside a month of history? Forty days of partitions, 300 000 events. */

import type { Sql } from 'postgres';
import { connect } from '../src/store/connect.ts';
import { readStream } from '../src/store/read-stream.ts';
import { readTopic } from '../src/store/read-topic.ts';
import { runSequencer } from '../src/store/run-sequencer.ts';
import { startCluster } from './cluster.ts';

const TIMES = 500;

export async function ask(): Promise<void> {
    const cluster = await startCluster();
    const { sql } = cluster;
    await fill(sql);
    const one = connect(cluster.url, { name: 'bench', max: 1, overLog: true });
    await timed('a round trip (select 1)', async () => void (await one`select 1`));
    await timed('an idle run of the sequencer', async () => void (await runSequencer(one)));
    await timed('emit alone', async () => void (await emit(one, 1)));
    await timed('emit + a run that numbers it', async () => {
        await emit(one, 1);
        await runSequencer(one);
    });
    const { head } = await readStream(one, { gseq: Number.MAX_SAFE_INTEGER, sequencedAt: 'infinity' }, 1);
    await emit(one, 10);
    await runSequencer(one);
    await timed('a tail read of 10 rows', async () => {
        const page = await readStream(one, head, 1000);
        if (page.events.length !== 10) throw new Error(`expected 10 events, got ${page.events.length}`);
    });
    await timed('a replay read of 10 rows', async () => {
        const page = await readTopic(one, 'project:7', 100, 110, 500);
        if (page.events.length !== 10) throw new Error(`expected 10 events, got ${page.events.length}`);
    });
    await timed('a replay read of 200 rows', async () => void (await readTopic(one, 'project:7', 0, 200, 500)));
    await one.end();
    await cluster.stop();
}

const emit = (sql: Sql, count: number) =>
    sql`select tidings.emit('project:7', 'task.updated', '{"id": "9"}') from generate_series(1, ${count})`;

/** The median and 99th percentile of a loop, after a tenth of it as warm-up. */
async function timed(what: string, work: () => Promise<void>): Promise<void> {
    const times: number[] = [];
    for (let n = -TIMES / 10; n < TIMES; n += 1) {
        const startedMs = performance.now();
        await work();
        if (n >= 0) times.push(performance.now() - startedMs);
    }
    times.sort((a, b) => a - b);
    console.log(
        what.padEnd(30),
        `p50 ${times[TIMES / 2]?.toFixed(2)} ms`,
        ` p99 ${times[Math.floor(TIMES * 0.99)]?.toFixed(2)} ms`,
    );
}

/** Partitions of the last forty days, and events spread over them and numbered on their day. */
async function fill(sql: Sql): Promise<void> {
    await sql.unsafe(`
        do $$ declare d date; p text; begin
            for d in select generate_series((now() at time zone 'UTC')::date - 40, (now() at time zone 'UTC')::date - 2, '1 day')::date loop
                foreach p in array array['event', 'stream'] loop
                    execute format('create table tidings.%I partition of tidings.%I for values from (%L) to (%L)',
                        p || to_char(d, '_YYYYMMDD'), p, d || ' 00:00+00', (d + 1) || ' 00:00+00');
                end loop;
            end loop;
        end $$;
        insert into tidings.event (at, topic, event, data)
            select now() - g * interval '40 days' / 300000, 'project:' || g % 1000, 'task.updated',
                jsonb_build_object('id', g::text, 'changes', jsonb_build_object('title', 'Title ' || g))
            from generate_series(1, 299999) g order by g desc;`);
    while ((await runSequencer(sql)).more) {
        // all of it
    }
    await sql.unsafe(`
        create temporary table numbered as select * from tidings.stream;
        truncate tidings.stream;
        insert into tidings.stream select gseq, topic, seq, event_id, event_at, event_at from numbered;
        select tidings.flush_heads();
        analyze tidings.stream, tidings.event, tidings.topic_head;`);
}

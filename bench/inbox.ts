/**
 * Does the inbox stay quick when it is large? Ten million notifications of 100 000 users, one of whom has 100 000 unread; and
 * what a comment costs its writer by how many people it notifies.
 */

import type { Sql } from 'postgres';
import { startCluster } from './cluster.ts';

const ROWS = 10_000_000;
const USERS = 100_000;
const HEAVY = 100_000;
const CALLS = 500;
const BATCH = 250;
const AUDIENCES = [0, 1, 10, 100, 1000];

export async function ask(): Promise<void> {
    const cluster = await startCluster({ maintenance_work_mem: '1GB' });
    const { sql } = cluster;
    await fill(sql);
    await explain(sql);
    await timeCalls(sql);
    await timeReadAll(sql);
    await timeWriters(sql);
    await cluster.stop();
}

/** Four of five of a user's notifications are read, one of three belongs to a group. */
async function fill(sql: Sql): Promise<void> {
    const indexes = await sql<{ name: string; definition: string }[]>`
        select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = 'tidings.notification'::regclass and not i.indisprimary`;
    for (const { name } of indexes) await sql`drop index tidings.${sql(name)}`;
    await sql`
        insert into tidings.notification (user_id, type, payload, actor_id, group_key, event_id, created_at, seen_at, read_at)
        select
            'u' || g % ${USERS}::int, 'task.commented', '{"taskId": "9", "title": "Write the minutes"}', 'u' || g % 97,
            case when g % 3 = 0 then 'task:' || g % 10 end, g, clock_timestamp() - (${ROWS}::int - g) * interval '0.5 s',
            case when g / ${USERS}::int % 5 > 0 then clock_timestamp() end, case when g / ${USERS}::int % 5 > 0 then clock_timestamp() end
        from generate_series(1, ${ROWS - HEAVY}::int) g`;
    await sql`
        insert into tidings.notification (user_id, type, payload, event_id, group_key)
        select 'heavy', 'task.commented', '{"taskId": "9"}', g, case when g % 3 = 0 then 'task:' || g % 10000 end
        from generate_series(${ROWS - HEAVY + 1}::int, ${ROWS}::int) g`;
    for (const { definition } of indexes) await sql.unsafe(definition);
    await sql`vacuum (analyze) tidings.notification`;
}

const PLANS = {
    'list of a user': `select n.id from tidings.notification n where n.user_id = 'u7' and n.in_app and n.archived_at is null
        and (n.snoozed_until is null or n.snoozed_until <= now()) order by n.created_at desc, n.id desc limit 21`,
    'unread count of the user with 100 000': `select count(*) filter (where n.group_key is null) + count(distinct n.group_key)
        from tidings.notification n where n.user_id = 'heavy' and n.in_app and n.archived_at is null and n.read_at is null
        and (n.snoozed_until is null or n.snoozed_until <= now())`,
    'digest of a user': `select n.id from tidings.notification n where n.user_id = 'u7' and n.digest_id is null
        and n.email is distinct from 'off' and n.created_at > now() - interval '1 day'`,
};

async function explain(sql: Sql): Promise<void> {
    for (const [name, query] of Object.entries(PLANS)) {
        console.log(`-- ${name}`);
        const rows = await sql.unsafe(`explain (analyze, buffers, costs off) ${query}`);
        for (const row of rows) console.log(row['QUERY PLAN']);
    }
}

async function timeCalls(sql: Sql): Promise<void> {
    const someone = () => `u${Math.floor(Math.random() * USERS)}`;
    const unreadOf = async (user: string) =>
        (await sql`select id from tidings.list_notifications(${user}, unread_only => true, max_rows => 1)`)[0]?.['id'];
    await time('list, any user', () => sql`select * from tidings.list_notifications(${someone()})`);
    await time('list, 100 000 unread', () => sql`select * from tidings.list_notifications('heavy')`);
    await time(
        'unread list, 100 000 unread',
        () => sql`select * from tidings.list_notifications('heavy', unread_only => true)`,
    );
    await time('counts, any user', () => sql`select * from tidings.notification_counts(${someone()})`);
    await time('counts, 100 000 unread', () => sql`select * from tidings.notification_counts('heavy')`);
    const ids: [string, unknown][] = [];
    for (let call = 0; call < CALLS; call += 1) {
        const user = someone();
        ids.push([user, await unreadOf(user)]);
    }
    await time('mark read, any user', async () => {
        const [user, id] = ids.pop() ?? ['', null];
        await sql`select tidings.mark_read(${user}, array[${String(id)}::uuid])`;
    });
}

async function timeReadAll(sql: Sql): Promise<void> {
    const at = new Date();
    const took: number[] = [];
    for (;;) {
        const startedMs = performance.now();
        const [row] = await sql`select tidings.mark_until('heavy', 'read', null, ${BATCH}, ${at}) as n`;
        took.push(performance.now() - startedMs);
        if (row?.['n'] < BATCH) break;
    }
    console.log(
        `read-all of 100 000 took ${took.reduce((sum, ms) => sum + ms, 0).toFixed(0)} ms in ${took.length} transactions`,
    );
    print('one of its transactions', took);
}

/** A comment whose rule names n people, all of whom may read it. */
async function timeWriters(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create schema demo;
        create function demo.can_read(u text, id int) returns boolean language sql stable as $$ select true $$;
        grant usage on schema demo to tidings_server;
        select tidings.topic_kind('project', 'demo.can_read(text, int)');
        select tidings.notification_type('task.commented', title => 'x')`);
    for (const audience of AUDIENCES) {
        await sql.unsafe(`
            drop table if exists demo.comment;
            create table demo.comment (id bigint generated always as identity primary key, project int, body text);
            select tidings.track('demo.comment', entity => 'comment', topic => $$'project:' || r.project$$);`);
        if (audience > 0)
            await sql.unsafe(`select tidings.notification_rule('demo.comment', name => 'told', type => 'task.commented', ops => '{insert}',
                users => $$array(select 'w' || g from generate_series(1, ${audience}) g)$$)`);
        await time(
            `comment that notifies ${audience}`,
            () => sql`insert into demo.comment (project, body) values (7, 'x')`,
            audience > 99 ? 50 : CALLS,
        );
    }
}

async function time(name: string, call: () => PromiseLike<unknown>, calls = CALLS): Promise<void> {
    const took: number[] = [];
    for (let n = 0; n < calls; n += 1) {
        const startedMs = performance.now();
        await call();
        took.push(performance.now() - startedMs);
    }
    print(name, took);
}

function print(name: string, took: number[]): void {
    took.sort((a, b) => a - b);
    const at = (share: number) => (took[Math.floor(took.length * share)] ?? Number.NaN).toFixed(2);
    console.log(`${name.padEnd(32)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms`);
}

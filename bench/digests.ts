/**
 * What does a morning of digests cost? Ten thousand people, each with a hundred notifications of which twenty were not told yet,
 * are mailed at once, and before that one of them alone: the worker and the mail server are processes of their own.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Sql } from 'postgres';
import { startCluster } from './cluster.ts';
import type { WorkerOrders, WorkerReport } from './digest-worker.ts';
import type { Sunk } from './mail-sink.ts';

const PEOPLE = 10_000;
const PENDING = 20;
const TOLD = 80;

const SETTINGS = { shared_preload_libraries: 'pg_stat_statements', maintenance_work_mem: '512MB' };

export async function ask({ clients = PEOPLE }: { readonly clients?: number } = {}): Promise<void> {
    const cluster = await startCluster(SETTINGS);
    const { sql, url } = cluster;
    const sink = fork(fileURLToPath(new URL('./mail-sink.js', import.meta.url)));
    try {
        const [port] = await once(sink, 'message');
        const orders = { databaseUrl: url, smtpUrl: `smtp://127.0.0.1:${port}` };
        await prepare(sql);
        for (const [from, to] of [
            [0, 1],
            [1, clients],
        ] as const) {
            await fill(sql, from, to);
            await mail(sql, sink, orders);
        }
    } finally {
        sink.kill();
        await cluster.stop();
    }
}

async function mail(sql: Sql, sink: ChildProcess, orders: WorkerOrders): Promise<void> {
    const before = await sunk(sink);
    await sql`select pg_stat_statements_reset()`;
    const worker = fork(fileURLToPath(new URL('./digest-worker.js', import.meta.url)));
    worker.send(orders);
    const [report] = (await once(worker, 'message')) as [WorkerReport];
    const inServer = new Map((await timesInServer(sql)).map(({ name, calls, ms }) => [name, { calls, ms }]));
    const after = await sunk(sink);
    const { claimed, claimMs, delivered, deliverMs, sendMs, statements, rssMb } = report;
    const arrived = after.mails - before.mails;
    const doubles = arrived - (after.messageIds - before.messageIds);
    const count = Object.values(statements).reduce((sum, { calls }) => sum + calls, 0);
    const sqlMs = Object.values(statements).reduce((sum, { ms }) => sum + ms, 0);
    console.log(
        `\n${claimed} mails claimed in ${seconds(claimMs)}, ${delivered} delivered in ${seconds(deliverMs)}: ` +
            `${((delivered * 1000) / (claimMs + deliverMs)).toFixed(0)}/s from claim to sent; ` +
            `${arrived} arrived, ${doubles} of them twice, ${((after.bytes - before.bytes) / arrived / 1024).toFixed(1)} kB each`,
    );
    console.log(
        `${count} statements, ${(count / delivered).toFixed(3)} a mail; of the time a mail waits, ` +
            `SQL ${share(sqlMs, sqlMs + sendMs)}, writing and SMTP ${share(sendMs, sqlMs + sendMs)}; ` +
            `RSS ${rssMb.map((mb) => mb.toFixed(0)).join(' → ')} MB (before, after, peak)`,
    );
    console.log('statement          calls   counted by PostgreSQL   in PostgreSQL, a call   for the worker, a call');
    for (const [name, { calls, ms }] of Object.entries(statements)) {
        const there = inServer.get(name) ?? { calls: 0, ms: 0 };
        console.log(
            name.padEnd(17),
            String(calls).padStart(6),
            String(there.calls).padStart(23),
            `${(there.ms / there.calls).toFixed(2)} ms`.padStart(23),
            `${(ms / calls).toFixed(2)} ms`.padStart(24),
        );
    }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const share = (ms: number, ofMs: number) => `${Math.round((100 * ms) / ofMs)} %`;

async function sunk(sink: ChildProcess): Promise<Sunk> {
    sink.send('count');
    const [counts] = (await once(sink, 'message')) as [Sunk];
    return counts;
}

/** Statements that came over the wire, not those in functions; without the flush of the commit. */
async function timesInServer(sql: Sql): Promise<readonly { name: string; calls: number; ms: number }[]> {
    return sql`
        select substring(s.query from 'tidings\\.(\\w+)\\(') as name, sum(s.calls)::int as calls, sum(s.total_exec_time) as ms
        from pg_stat_statements s
        join pg_roles r on r.oid = s.userid
        where r.rolname = 'tidings_server' and s.toplevel
        group by 1`;
}

async function prepare(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create extension pg_stat_statements;
        create table public.person (id text primary key, email text, name text, time_zone text, locale text);
        grant select on public.person to tidings_server;
        select tidings.people('public.person');
        create function public.can_read(u text, id bigint) returns boolean language sql stable as $$ select true $$;
        create function public.name_of(id bigint) returns text language sql stable as $$ select 'Project ' || id $$;
        select tidings.topic_kind('project', 'public.can_read(text, bigint)', title => 'public.name_of(bigint)');
        select tidings.notification_type('task.commented', title => '{actor} commented on {title}', body => '{text}',
            url => '/tasks/{taskId}', summary => '{count} comment|{count} comments');
        select tidings.notification_type('task.assigned', title => '{actor} gave you {title}', url => '/tasks/{taskId}',
            summary => '{count} assignment|{count} assignments');`);
}

/** People of four zones and two languages; two types and three topics; one of three is in a group. Told is what is older. */
async function fill(sql: Sql, from: number, to: number): Promise<void> {
    const indexes = await sql<{ name: string; definition: string }[]>`
        select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = 'tidings.notification'::regclass and not i.indisprimary`;
    for (const { name } of indexes) await sql`drop index tidings.${sql(name)}`;
    await sql`
        insert into public.person
        select 'u' || g, 'u' || g || '@example.org', 'Person ' || g,
            (array['Europe/Berlin', 'Asia/Kolkata', 'America/New_York', null])[1 + g % 4], (array['en', 'de'])[1 + g % 2]
        from generate_series(${from}::int, ${to - 1}::int) g`;
    await sql`
        insert into tidings.notification (user_id, type, payload, actor_id, group_key, topic, event_id, created_at, digest_id)
        select
            'u' || g, (array['task.commented', 'task.assigned'])[1 + n % 2],
            '{"taskId": "9", "title": "Write the minutes", "text": "I would take the second one."}', 'u' || n % 97,
            case when n % 3 = 0 then 'task:' || n % 5 end, 'project:' || 1 + n % 3, g * ${PENDING + TOLD}::bigint + n,
            clock_timestamp() - interval '25 h' - (${PENDING + TOLD}::int - n) * interval '30 min' + g * interval '1 ms',
            case when n < ${TOLD}::int then -1 - n end
        from generate_series(0, ${PENDING + TOLD - 1}::int) n
        cross join generate_series(${from}::int, ${to - 1}::int) g`;
    for (const { definition } of indexes) await sql.unsafe(definition);
    await sql.unsafe('vacuum (analyze) tidings.notification');
    await sql.unsafe('analyze public.person');
    await sql`checkpoint`;
}

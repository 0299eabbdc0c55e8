/** What once kept one person's trouble, or much mail, from being borne: of digests in SQL. */

import postgres, { type Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeEach(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create table public.person (id text primary key, email text, name text, time_zone text, locale text);
        insert into public.person select 'u' || g, 'u' || g || '@example.org', 'User ' || g, 'UTC', 'en' from generate_series(1, 100) g;
        grant select on public.person to tidings_server;
        select tidings.people('public.person');
        select tidings.notification_type('note.made', title => '{actor} made {title}', summary => '{count} note|{count} notes');`);
});

afterEach(() => database.close());

/** Tells users u1 … un of so many things each, in January. */
async function tell(users: number, each: number, email: string | null = null): Promise<void> {
    await sql`
        insert into tidings.notification (user_id, type, payload, actor_id, event_id, email, created_at)
        select 'u' || u, 'note.made', '{"title": "Minutes"}', 'u' || (1 + n % 9), u * 100000 + n, ${email}, '2026-01-09T06:00Z'::timestamptz + n * interval '1 s'
        from generate_series(1, ${users}::int) u, generate_series(1, ${each}::int) n`;
    await sql`analyze tidings.notification`;
}

const claim = async (moment: string, kinds = '{instant,hourly,daily,weekly}') =>
    (await sql`select claimed from tidings.claim_digests(${moment}, kinds => ${kinds}::text::text[])`)[0]?.['claimed'];

/** The plans of all statements in a function, as text. */
async function plansOf(statement: string): Promise<string> {
    const plans: string[] = [];
    const client = postgres(database.url, { max: 1, onnotice: ({ message }) => plans.push(String(message)) });
    try {
        await client.unsafe(`load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
            set client_min_messages = log`);
        await client.unsafe(statement);
        return plans.join('\n');
    } finally {
        await client.end();
    }
}

describe('a claim', () => {
    test('finds what is pending by its index, however much there is', async () => {
        await tell(100, 200);
        const plans = await plansOf(`select tidings.claim_digests('2026-01-10T09:00Z', max_users => 10)`);
        expect(plans).toContain('notification_pending_idx on notification w');
        expect(plans).not.toContain('notification_age_idx');
        expect(plans).not.toContain('Seq Scan on notification');
    });

    test('of instant mails looks at nobody who waits for a digest', async () => {
        await tell(100, 1);
        await tell(1, 1, 'instant');
        const [row] =
            await sql`select * from tidings.claim_digests('2026-01-10T09:00Z', kinds => '{instant}', max_users => 50)`;
        expect(row).toEqual({ claimed: 1, last_user: null });
    });

    test('puts at most 1000 notifications into a mail, and what is over into the next', async () => {
        await tell(1, 1001);
        expect(await claim('2026-01-10T09:00Z')).toBe(1);
        expect(await claim('2026-01-11T09:00Z')).toBe(1);
        const rows = await sql`
            select count(*)::int as told, max(n.created_at) < '2026-01-09T06:16:41Z' as oldest
            from tidings.notification n group by n.digest_id order by n.digest_id`;
        expect(rows).toEqual([
            { told: 1000, oldest: true },
            { told: 1, oldest: false },
        ]);
    });

    test('locks notifications in the order in which all do, whatever their kinds', async () => {
        await tell(1, 1, 'daily');
        await sql`update tidings.notification set created_at = created_at - interval '1 minute'`;
        await tell(1, 1, 'hourly');
        const [older, newer] = (await sql`select id from tidings.notification order by created_at`).map(
            (row) => row['id'],
        );
        const lock = (tx: Sql, id: string) => tx`select from tidings.notification where id = ${id} for update`;
        let claimed: Promise<unknown> | undefined;
        await sql.begin(async (tx) => {
            await lock(tx as unknown as Sql, older);
            claimed = claim('2026-01-10T09:00Z').catch((error: unknown) => error);
            for (let waiting = 0; waiting === 0; )
                waiting = Number(
                    (
                        await sql`select count(*) as n from pg_stat_activity where datname = ${database.name} and wait_event_type = 'Lock'`
                    )[0]?.['n'],
                );
            await lock(tx as unknown as Sql, newer);
        });
        expect(await claimed).toBe(2);
    });
});

test('the texts of a page of mails take time in proportion to what they tell', async () => {
    await tell(5, 1000);
    await claim('2026-01-10T09:00Z');
    await sql.begin(async (tx) => {
        await tx`set local statement_timeout = '5s'`;
        const mails = await tx`select m.content from tidings.digest_mails(array(select id from tidings.digest)) m`;
        expect(
            mails.map(({ content }) => [content.count, content.groups[0].entries.length, content.groups[0].more]),
        ).toEqual(Array.from({ length: 5 }, () => [1000, 30, 970]));
    });
});

test('a name or a title of a megabyte makes no mail of many', async () => {
    await sql.unsafe(`
        update public.person set name = repeat('n', 1000000), locale = repeat('l', 10000);
        create function public.may_enter(text, text) returns boolean language sql as 'select true';
        create function public.name_of(text) returns text language sql as $$ select repeat('t', 1000000) $$;
        select tidings.topic_kind('room', 'public.may_enter(text, text)', title => 'public.name_of(text)')`);
    await tell(1, 30);
    await sql`update tidings.notification set topic = 'room:1'`;
    await claim('2026-01-10T09:00Z');
    const [mail] = await sql`select length(m.content::text) as length from tidings.digest_mails('{1}') m`;
    expect(mail?.['length']).toBeLessThan(50_000);
});

describe('the end of a mail', () => {
    beforeEach(async () => {
        await tell(1, 1);
        await claim('2026-01-10T09:00Z');
        await sql`select tidings.take_digests(1, moment => '2026-01-10T09:00Z')`;
    });

    test('given up after a day has its time, so that doctor tells of it and it is purged', async () => {
        await sql`select tidings.end_digest(1, 1, 'retry', 'connection refused', moment => '2026-01-11T09:01Z')`;
        expect(await sql`select state, tidings.iso(ended_at) as at from tidings.digest`).toEqual([
            { state: 'failed', at: '2026-01-11T09:01:00.000Z' },
        ]);
        const [found] = await sql`select finding from tidings.diagnose('2026-01-11T10:00Z')`;
        expect(found?.['finding']).toBe('1 mail failed in the last 7 days: connection refused');
        expect(await sql`select tidings.purge_digests('2026-03-01') as n`).toEqual([{ n: 1 }]);
    });
});

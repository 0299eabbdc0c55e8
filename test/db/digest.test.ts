/** Which mails are due when, what they tell, and how their sending ends: one mail a period, on every clock. */

import type { Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeEach(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create table public.person (id text primary key, email text, name text, time_zone text, locale text);
        insert into public.person values
            ('ada', 'Ada@example.org', 'Ada', 'Europe/Berlin', 'en'), ('bob', 'bob@example.org', 'Bob', 'Europe/Berlin', 'de-AT'),
            ('cyd', null, 'Cyd', 'nowhere/at all', null);
        grant select on public.person to tidings_server;
        select tidings.people('public.person');
        create table public.guest (user_id text, room bigint);
        create function public.may_enter(user_id text, room bigint) returns boolean language sql stable
            as $$ select not exists (select from public.guest g where g.user_id = may_enter.user_id and g.room = may_enter.room) $$;
        create function public.name_of(room bigint) returns text language sql stable as $$ select 'Room ' || 1 / nullif(room, 9) * 0 + room $$;
        grant select on public.guest to tidings_server;
        select tidings.topic_kind('room', 'public.may_enter(text, bigint)', title => 'public.name_of(bigint)');
        select tidings.notification_type('note.made', title => '{actor} made {title}', body => '{text}', url => '/notes/{noteId}',
            summary => '{count} note|{count} notes');
        select tidings.notification_type('note.made', locale => 'de', title => '{actor} schrieb {title}', summary => '{count} Notiz|{count} Notizen');
        select tidings.notification_type('alarm', title => 'Alarm', critical => true);`);
});

afterEach(() => database.close());

const due = async (kind: string, moment: string, zone: string, hour = 8, weekday = 1) => {
    const [row] = await sql`
        select tidings.iso(d.due_at) as at, d.period from tidings.digest_due(${kind}, ${moment}, ${zone}, ${hour}, ${weekday}) d`;
    return [row?.['at'], row?.['period']];
};

describe('a period', () => {
    test.each([
        ['daily', '2026-01-10T07:30Z', 'Europe/Berlin', '2026-01-10T07:00:00.000Z', '2026-01-10'],
        ['daily', '2026-01-10T06:59Z', 'Europe/Berlin', '2026-01-09T07:00:00.000Z', '2026-01-09'],
        ['daily', '2026-07-10T06:00Z', 'Europe/Berlin', '2026-07-10T06:00:00.000Z', '2026-07-10'],
        // Kathmandu is 5:45 ahead, and Kiritimati is on the next day already.
        ['daily', '2026-01-10T02:15Z', 'Asia/Kathmandu', '2026-01-10T02:15:00.000Z', '2026-01-10'],
        ['daily', '2026-01-10T18:00Z', 'Pacific/Kiritimati', '2026-01-10T18:00:00.000Z', '2026-01-11'],
        ['hourly', '2026-01-10T07:59Z', 'Europe/Berlin', '2026-01-10T07:00:00.000Z', '2026-01-10T07:00Z'],
        ['hourly', '2026-01-10T07:44Z', 'Asia/Kathmandu', '2026-01-10T07:15:00.000Z', '2026-01-10T07:15Z'],
        // 2026-01-05 is a Monday.
        ['weekly', '2026-01-10T07:30Z', 'Europe/Berlin', '2026-01-05T07:00:00.000Z', '2026-01-05'],
        ['weekly', '2026-01-12T06:30Z', 'Europe/Berlin', '2026-01-05T07:00:00.000Z', '2026-01-05'],
        ['weekly', '2026-01-12T07:00Z', 'Europe/Berlin', '2026-01-12T07:00:00.000Z', '2026-01-12'],
    ])('%s at %s in %s ends at %s', async (kind, moment, zone, at, period) => {
        expect(await due(kind, moment, zone)).toEqual([at, period]);
    });

    test.each([
        ['2026-03-29', 'Europe/Berlin', 2],
        ['2026-10-25', 'Europe/Berlin', 2],
        ['2026-03-08', 'America/New_York', 2],
        ['2026-11-01', 'America/New_York', 1],
        ['2026-10-04', 'Australia/Lord_Howe', 2],
        ['2026-04-05', 'Australia/Lord_Howe', 1],
    ])('of a day ends once on %s in %s, when the clocks change', async (day, zone, hour) => {
        const rows = await sql<{ period: string; ends: number; hours: number }[]>`
            select d.period, count(distinct d.due_at)::int as ends
            from generate_series(${day}::timestamptz - interval '2 days', ${day}::timestamptz + interval '3 days', interval '5 minutes') m
            cross join lateral tidings.digest_due('daily', m, ${zone}, ${hour}, 1) d
            group by 1 order by 1`;
        expect(rows.map(({ ends }) => ends)).toEqual(rows.map(() => 1));
        expect(rows.map(({ period }) => period)).toContain(day);
        const hours = await sql`
            select d.period from generate_series(${day}::timestamptz - interval '1 day', ${day}::timestamptz + interval '2 days', interval '5 minutes') m
            cross join lateral tidings.digest_due('hourly', m, ${zone}, 8, 1) d
            group by 1 having max(m) - min(m) > ${zone.endsWith('Lord_Howe') ? '85 minutes' : '55 minutes'}::interval`;
        expect(hours).toEqual([]);
    });
});

type Note = { to?: string; type?: string; at?: string; topic?: string; group?: string; actor?: string; title?: string };

/** Tells somebody of something at a time. */
async function tell({
    to = 'ada',
    type = 'note.made',
    at,
    topic,
    group,
    actor = 'bob',
    title = 'Minutes',
}: Note = {}): Promise<string> {
    await sql`select tidings.send_notification(array[${to}], ${type}, ${sql.json({ title, text: 'Hello', noteId: '7' })},
        topic => ${topic ?? null}, group_key => ${group ?? null}, actor => ${actor})`;
    const [row] = await sql<{ id: string }[]>`
        update tidings.notification set created_at = coalesce(${at ?? null}::timestamptz, created_at)
        where event_id = (select max(event_id) from tidings.notification) returning id`;
    return row?.id ?? '';
}

const claim = async (moment: string, cadence = 'daily') => {
    const [row] = await sql`select claimed, last_user from tidings.claim_digests(${moment}, cadence => ${cadence})`;
    return row?.['claimed'];
};
const digests = () =>
    sql`
    select d.user_id || ' ' || d.kind || ' ' || d.period || ' ' || (select count(*) from tidings.notification n where n.digest_id = d.id) as line
    from tidings.digest d order by d.id`.then((rows) => rows.map((row) => row['line']));

describe('a claim', () => {
    test('makes one mail of what was told before the period ended, and no second one', async () => {
        await tell({ at: '2026-01-09T12:00Z' });
        await tell({ at: '2026-01-10T06:59Z' });
        await tell({ at: '2026-01-10T07:01Z' });
        expect(await claim('2026-01-10T06:59Z')).toBe(0);
        expect(await claim('2026-01-10T07:02Z')).toBe(1);
        expect(await digests()).toEqual(['ada daily 2026-01-10 2']);
        expect(await claim('2026-01-10T23:00Z')).toBe(0);
        expect(await claim('2026-01-11T07:00Z')).toBe(1);
        expect(await digests()).toEqual(['ada daily 2026-01-10 2', 'ada daily 2026-01-11 1']);
    });

    test('goes by what was chosen for each type, and by the server for who chose nothing', async () => {
        await sql`select tidings.set_preference('bob', 'note.made', 'email', 'weekly'), tidings.set_preference('bob', '*', 'email', 'hourly')`;
        await tell({ to: 'bob', at: '2026-01-10T06:00Z' });
        await tell({ to: 'bob', type: 'note.read', at: '2026-01-10T06:01Z' });
        await tell({ to: 'ada', at: '2026-01-10T06:02Z' });
        expect(await claim('2026-01-12T07:00Z', 'off')).toBe(2);
        expect((await digests()).sort()).toEqual(['bob hourly 2026-01-12T07:00Z 1', 'bob weekly 2026-01-12 1']);
        expect(await claim('2026-01-12T07:00Z', 'hourly')).toBe(1);
    });

    test('waits for the end of quiet hours, save with what is critical', async () => {
        await sql`select tidings.set_schedule('ada', quiet_from => '22:00', quiet_to => '07:30')`;
        await sql`select tidings.set_preference('ada', '*', 'email', 'hourly'), tidings.set_preference('ada', 'note.read', 'email', 'instant')`;
        await tell({ at: '2026-01-09T21:30Z' });
        await tell({ at: '2026-01-09T21:31Z', type: 'note.read' });
        await tell({ at: '2026-01-09T21:32Z', type: 'alarm' });
        expect(await claim('2026-01-09T23:00Z')).toBe(1);
        expect(await digests()).toEqual([expect.stringMatching(/^ada instant \S+ 1$/)]);
        expect(await claim('2026-01-10T06:00Z')).toBe(0);
        expect(await claim('2026-01-10T06:30Z')).toBe(2);
    });

    test('leaves an instant mail some seconds to be read first', async () => {
        await tell({ type: 'alarm', at: '2026-01-10T06:00:00Z' });
        expect(await claim('2026-01-10T06:00:09Z')).toBe(0);
        expect(await claim('2026-01-10T06:00:11Z')).toBe(1);
    });

    test('works through people some at a time', async () => {
        for (const to of ['ada', 'bob', 'cyd', 'eve', 'dan']) await tell({ to, at: '2026-01-09T06:00Z' });
        const seen: unknown[] = [];
        let after: string | null = '';
        while (after !== null) {
            const rows: { claimed: number; last_user: string | null }[] =
                await sql`select * from tidings.claim_digests('2026-01-10T09:00Z', max_users => 2, after_user => ${after})`;
            seen.push(rows[0]?.claimed);
            after = rows[0]?.last_user ?? null;
        }
        expect(seen).toEqual([2, 2, 1]);
    });

    test('by many at once makes each mail once', async () => {
        for (let n = 0; n < 40; n += 1) await tell({ to: `user${n % 20}`, at: '2026-01-09T06:00Z' });
        const counts = await Promise.all(Array.from({ length: 6 }, () => claim('2026-01-10T09:00Z')));
        expect(counts.reduce((sum, n) => sum + n, 0)).toBe(20);
        expect((await digests()).every((line) => line.endsWith(' 2026-01-10 2'))).toBe(true);
    });
});

const mails = (time = '2026-01-10T09:00Z') =>
    sql`select m.skip, m.content from tidings.digest_mails(array(select id from tidings.digest order by id)) m where ${time} <> ''`;

describe('a mail', () => {
    test('tells what is new by topic, entries with their groups, in the words of its reader', async () => {
        await tell({ to: 'bob', at: '2026-01-09T10:00Z', topic: 'room:1', actor: 'ada', group: 'g', title: 'One' });
        await tell({ to: 'bob', at: '2026-01-09T11:00Z', topic: 'room:1', actor: 'eve', group: 'g', title: 'Two' });
        await tell({ to: 'bob', at: '2026-01-09T12:00Z', topic: 'room:9', actor: 'ada', title: 'Three' });
        await claim('2026-01-10T09:00Z');
        const [mail] = await mails();
        expect(mail).toEqual({
            skip: null,
            content: {
                digestId: expect.any(String),
                key: 'bob:daily:2026-01-10',
                kind: 'daily',
                period: '2026-01-10',
                to: {
                    userId: 'bob',
                    email: 'bob@example.org',
                    name: 'Bob',
                    locale: 'de-AT',
                    timeZone: 'Europe/Berlin',
                },
                count: 3,
                summary: [{ type: 'note.made', count: 3, text: '3 Notizen' }],
                groups: [
                    {
                        topic: 'room:9',
                        title: null,
                        more: 0,
                        entries: [expect.objectContaining({ title: 'Ada schrieb Three', count: 1, actors: ['Ada'] })],
                    },
                    {
                        topic: 'room:1',
                        title: 'Room 1',
                        more: 0,
                        entries: [
                            {
                                id: expect.any(String),
                                type: 'note.made',
                                title: 'Jemand schrieb Two',
                                body: 'Hello',
                                url: '/notes/7',
                                count: 2,
                                actors: ['Ada'],
                                at: '2026-01-09T11:00:00.000Z',
                                critical: false,
                            },
                        ],
                    },
                ],
            },
        });
    });

    test('leaves out what was read, archived, snoozed, muted or may no longer be seen', async () => {
        const ids: string[] = [];
        for (const n of [1, 2, 3, 4, 5, 6])
            ids.push(await tell({ at: `2026-01-09T1${n}:00Z`, topic: `room:${n}`, title: `T${n}` }));
        await claim('2026-01-10T09:00Z');
        await sql`select tidings.mark_read('ada', array[${ids[0] ?? ''}::uuid]), tidings.archive_notification('ada', ${ids[1] ?? ''}),
            tidings.snooze_notification('ada', ${ids[2] ?? ''}, now() + interval '1 day'), tidings.set_topic_preference('ada', 'room:4', 'mute')`;
        await sql`insert into public.guest values ('ada', 5)`;
        const [mail] = await mails();
        expect(mail?.['content'].groups.map((group: { topic: string }) => group.topic)).toEqual(['room:6']);
        expect(mail?.['content'].count).toBe(1);
        await sql`select tidings.set_preference('ada', '*', 'email', 'off')`;
        expect((await mails())[0]?.['skip']).toBe('nothing left to tell');
    });

    test('is not for who has no address, or one that is suppressed', async () => {
        await tell({ to: 'cyd', at: '2026-01-09T10:00Z' });
        await tell({ to: 'ada', at: '2026-01-09T10:00Z' });
        await claim('2026-01-10T09:00Z');
        await sql`select tidings.suppress('ADA@example.org', 'bounced')`;
        expect((await mails()).map((mail) => mail['skip'])).toEqual(['suppressed: bounced', 'no address']);
        await sql`select tidings.suppress('ada@example.org', null)`;
        expect((await mails())[0]?.['skip']).toBeNull();
    });

    test('counts what it has no room for', async () => {
        for (let n = 0; n < 5; n += 1) await tell({ at: `2026-01-09T10:0${n}Z`, topic: 'room:1' });
        await claim('2026-01-10T09:00Z');
        const [mail] =
            await sql`select m.content from tidings.digest_mails(array(select id from tidings.digest), max_entries => 2) m`;
        expect(mail?.['content'].groups[0]).toMatchObject({ more: 3, entries: [{}, {}] });
        expect(mail?.['content']).toMatchObject({ count: 5, summary: [{ text: '5 notes' }] });
    });
});

const take = async (moment: string) =>
    (await sql`select id::int, attempt from tidings.take_digests(10, moment => ${moment})`).map((row) => [
        row['id'],
        row['attempt'],
    ]);
const state = async () => (await sql`select state from tidings.digest order by id`).map((row) => row['state']);
const handOver = async (id: number, attempt: number, moment: string) =>
    (await sql`select tidings.hand_over_digest(${id}, ${attempt}, moment => ${moment}) as mine`)[0]?.['mine'];
const end = async (id: number, attempt: number, outcome: string, moment: string) =>
    (
        await sql`select tidings.end_digest(${id}, ${attempt}, ${outcome}, 'because', 'ada@example.org', moment => ${moment}) as state`
    )[0]?.['state'];

describe('sending', () => {
    const at = (time: string) => `2026-01-10T${time}Z`;

    beforeEach(async () => {
        await tell({ at: '2026-01-09T10:00Z' });
        await claim(at('09:00:00'));
    });

    test('goes from claimed over sending to sent, and is done once', async () => {
        expect(await take(at('09:00:01'))).toEqual([[1, 1]]);
        expect(await take(at('09:00:02'))).toEqual([]);
        expect(await handOver(1, 1, at('09:00:03'))).toBe(true);
        expect(await handOver(1, 1, at('09:00:03'))).toBe(false);
        expect(await state()).toEqual(['sending']);
        expect(await end(1, 1, 'sent', at('09:00:04'))).toBe('sent');
        expect(await end(1, 1, 'retry', at('09:00:04'))).toBeNull();
        expect(await take(at('23:00:00'))).toEqual([]);
    });

    test('that died before it was handed over is taken up by another, and the dead one can do nothing more', async () => {
        expect(await take(at('09:00:01'))).toEqual([[1, 1]]);
        expect(await take(at('09:05:02'))).toEqual([[1, 2]]);
        expect(await handOver(1, 1, at('09:05:03'))).toBe(false);
        expect(await end(1, 1, 'sent', at('09:05:03'))).toBeNull();
        expect(await handOver(1, 2, at('09:05:03'))).toBe(true);
    });

    test('that died after that is unknown, and never sent again; if it comes back it may say how it ended', async () => {
        await take(at('09:00:01'));
        await handOver(1, 1, at('09:00:02'));
        expect(await take(at('09:09:00'))).toEqual([]);
        expect(await state()).toEqual(['sending']);
        expect(await take(at('09:11:00'))).toEqual([]);
        expect(await state()).toEqual(['unknown']);
        expect(await end(1, 1, 'sent', at('09:12:00'))).toBe('sent');
    });

    test('is tried again later and later, for a day', async () => {
        let now = Date.parse(at('09:00:01'));
        const waits: number[] = [];
        for (let tries = 1; tries < 200; tries += 1) {
            const moment = new Date(now).toISOString();
            expect(await take(moment)).toEqual([[1, tries]]);
            if ((await end(1, tries, 'retry', moment)) === 'failed') break;
            const [row] = await sql<{ next: Date }[]>`select next_at as next from tidings.digest`;
            waits.push(((row?.next.getTime() ?? 0) - now) / 1000);
            now = row?.next.getTime() ?? 0;
        }
        expect(waits.slice(0, 3)).toEqual([30, 60, 120]);
        expect(Math.max(...waits)).toBe(3600);
        expect(await state()).toEqual(['failed']);
        expect((now - Date.parse(at('09:00:00'))) / 3_600_000).toBeGreaterThan(24);
    });

    test('that is rejected for good suppresses the address', async () => {
        await take(at('09:00:01'));
        await handOver(1, 1, at('09:00:02'));
        expect(await end(1, 1, 'rejected', at('09:00:03'))).toBe('failed');
        expect(await sql`select address, reason from tidings.suppression`).toEqual([
            { address: 'ada@example.org', reason: 'because' },
        ]);
    });

    test('takes up instant mails before digests that are due for longer', async () => {
        await tell({ to: 'bob', type: 'alarm', at: at('09:00:00') });
        await claim(at('09:01:00'));
        expect(await sql`select kind from tidings.digest order by id`).toEqual([
            { kind: 'daily' },
            { kind: 'instant' },
        ]);
        const [first] = await sql`select id::int from tidings.take_digests(1, moment => ${at('09:02:00')})`;
        expect(first?.['id']).toBe(2);
    });

    test('is taken up once by two workers at once', async () => {
        for (let n = 0; n < 20; n += 1) await tell({ to: `u${n}`, at: '2026-01-09T10:00Z' });
        await claim(at('09:00:00'));
        const taken = await Promise.all([take, take, take, take].map((each) => each(at('09:00:01'))));
        const ids = taken.flat().map(([id]) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length).toBe(21);
    });
});

test('what is no kind, outcome or address is refused', async () => {
    await expect(sql`select tidings.end_digest(1, 1, 'lost')`).rejects.toThrow('expected outcome to be sent, skipped');
    await expect(sql`select tidings.suppress('nobody', 'x')`).rejects.toThrow('expected an e-mail address');
    await expect(
        sql`select tidings.topic_kind('room', 'public.may_enter(text, bigint)', 'public.may_enter(text, bigint)')`,
    ).rejects.toThrow('expected title to be a function (bigint) returning text');
});

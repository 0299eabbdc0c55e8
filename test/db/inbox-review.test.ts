/** The inbox against what is odd: strange tables, other roles, other settings, two at once, and much at once. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create table app.doc (id int primary key, project int, title text, owner text, author text);
        create table app.plain (id int primary key, owner text);
        create function app.can_read(u text, id int) returns boolean language sql stable as $$ select u not like 'stranger%' $$;
        create function app.is_me(u text, id text) returns boolean language sql stable as $$ select u = id $$;
        grant usage on schema app to tidings_server;
        select tidings.topic_kind('project', 'app.can_read(text, int)'), tidings.topic_kind('person', 'app.is_me(text, text)'),
            tidings.track('app.doc', entity => 'doc', topic => $$'project:' || r.project$$),
            tidings.notification_type('doc.owned', title => '{actor} gave you {title}', url => '/d/{id}'),
            tidings.notification_type('doc.made', title => 'x')`);
});
afterAll(() => database.close());
beforeEach(async () => {
    await sql`select tidings.remove_notification_rule('app.doc'), tidings.remove_notification_rule('app.plain')`;
    await sql`truncate app.doc, app.plain, tidings.notification, tidings.capture_error, tidings.preference`;
});

const rule = (more = '', table = 'app.doc', name = 'owned', users = 'array[r.owner]') =>
    sql.unsafe(
        `select tidings.notification_rule('${table}', name => '${name}', type => 'doc.owned', users => $$${users}$$${more})`,
    );

/** Who was told what by some work, and that nothing went wrong with it. */
async function told(work: string): Promise<string[]> {
    await sql`truncate tidings.notification`;
    await sql.unsafe(work);
    expect(await sql`select message from tidings.capture_error`).toEqual([]);
    const rows = await sql<
        { line: string }[]
    >`select n.user_id || ' ' || n.type as line from tidings.notification n order by 1`;
    return rows.map(({ line }) => line);
}

describe('a rule’s topic', () => {
    test('that is null for a row tells nobody of it: who may read it is not known', async () => {
        await rule();
        expect(await told(`insert into app.doc values (1, null, 'secret', 'stranger'), (2, 7, 'B', 'bob')`)).toEqual([
            'bob doc.owned',
        ]);
    });

    test('must be said where no tracking says it', async () => {
        await expect(rule('', 'app.plain')).rejects.toMatchObject({
            code: '22023',
            message: 'expected topic to be given, as app.plain has no tracking with a single topic',
        });
        await rule(`, topic => 'null'`, 'app.plain');
        expect(await told(`insert into app.plain values (1, 'ada')`)).toEqual(['ada doc.owned']);
    });

    test('unread by a user leaves them to a rule of another topic', async () => {
        await rule(`, topic => $$'person:nobody'$$, precedence => 9`);
        await rule(`, precedence => 1`, 'app.doc', 'lower');
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada'), (2, 7, 'A', 'stranger')`)).toEqual([
            'ada doc.owned',
        ]);
    });

    test('may be nothing in one rule and something in another, a thousand rows and more', async () => {
        await rule(`, condition => $$r.title = 'A'$$`);
        await rule(`, condition => $$r.title = 'B'$$, topic => 'null'`, 'app.doc', 'free');
        const work = `insert into app.doc select g, 7, case when g <= 1000 then 'A' else 'B' end, 'u' || g from generate_series(1, 1500) g`;
        expect(await told(work)).toHaveLength(1500);
    });
});

describe('a rule', () => {
    test.each([
        ['topics', `, topic => $$array['project:' || r.project]$$`, `expected topic to be a text such as`],
        ['no answer to include_actor', ', include_actor => null', 'expected watchers and include_actor to be true or'],
    ])('with %s is refused', async (_, more, message) => {
        await expect(rule(more)).rejects.toThrow(message);
    });

    test('with a user that is no array is refused', async () => {
        await expect(rule('', 'app.doc', 'owned', 'r.owner')).rejects.toThrow(
            'expected users to be an array such as $$array[r.assignee_id]$$, got text',
        );
    });

    test('whose actor is null for a row does not tell who acts', async () => {
        await rule(', actor => $$r.author$$');
        expect(
            await told(
                `select set_config('tidings.actor', 'ada', true); insert into app.doc values (1, 7, 'A', 'ada'), (2, 7, 'A', 'bob')`,
            ),
        ).toEqual(['bob doc.owned']);
        expect(await sql`select actor_id from tidings.notification`).toEqual([{ actor_id: 'ada' }]);
    });

    test('that names what is no user tells the others', async () => {
        await rule();
        expect(
            await told(
                `insert into app.doc values (1, 7, 'A', 'a b'), (2, 7, 'A', ''), (3, 7, 'A', repeat('x', 129)), (4, 7, 'A', 'ada')`,
            ),
        ).toEqual(['ada doc.owned']);
    });

    test('reads its strings alike whatever the session of the writer says', async () => {
        await rule(String.raw`, condition => $$r.title ~ '^\d+$'$$`);
        expect(
            await told(
                `set local standard_conforming_strings = off; insert into app.doc values (1, 7, '42', 'ada'), (2, 7, 'ddd', 'bob')`,
            ),
        ).toEqual(['ada doc.owned']);
    });

    test('keeps payloads short before it keeps many', async () => {
        await rule(`, payload => $$jsonb_build_object('title', r.title)$$`);
        await told(`insert into app.doc values (1, 7, repeat('ä', 100000), 'ada')`);
        expect(await sql`select payload from tidings.notification`).toEqual([
            { payload: { title: { truncated: true, bytes: 200_000 } } },
        ]);
    });

    test('of ten thousand users tells each once though another tells them, too', async () => {
        const many = `array(select 'u' || g from generate_series(1, 10000) g)`;
        await rule(', precedence => 2', 'app.doc', 'owned', many);
        await rule('', 'app.doc', 'again', many);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada')`)).toHaveLength(10_000);
    });

    test('works on a table of odd names for a writer who may do nothing else', async () => {
        await sql.unsafe(`create role review_owner; create role review_writer`);
        const session = await sql.reserve();
        try {
            await session.unsafe(`
                grant tidings_dba to review_owner;
                grant usage, create on schema app to review_owner;
                grant usage on schema app to review_writer;
                set role review_owner;
                create table app."T""%s $text$" ("a b" bigint, r uuid, op text, o text, primary key ("a b", r)) partition by list ("a b");
                create table app.part (o text, r uuid not null, gone int, "a b" bigint not null, op text);
                alter table app.part drop column gone;
                alter table app."T""%s $text$" attach partition app.part default;
                grant all on app."T""%s $text$" to review_writer;
                select tidings.notification_rule('app."T""%s $text$"', name => 'owned', type => 'doc.owned',
                    users => $$array[r.op, r.o]$$, topic => $$'project:' || r."a b"$$, payload => $$jsonb_build_object('was', o.op)$$);
                set role review_writer;
                insert into app."T""%s $text$" values (7, gen_random_uuid(), 'ada', null);
                update app."T""%s $text$" set o = 'bob'`);
            await expect(
                session`select tidings.append_notifications('{ada}', '{1}', '{x.y}', '{"{}"}', array[null], array[null], array[null])`,
            ).rejects.toThrow('permission denied for schema tidings');
            await session`reset role`;
            expect(
                await session`select user_id, payload ->> 'was' as was, topic from tidings.notification order by created_at, user_id`,
            ).toEqual([
                { user_id: 'ada', was: null, topic: 'project:7' },
                { user_id: 'ada', was: 'ada', topic: 'project:7' },
                { user_id: 'bob', was: 'ada', topic: 'project:7' },
            ]);
        } finally {
            await session.unsafe(
                'reset role; drop owned by review_writer, review_owner cascade; drop role review_writer; drop role review_owner',
            );
            session.release();
        }
    });

    test('declared by two at once stands beside the other', async () => {
        const one = await sql.reserve();
        await one`begin`;
        await one`select tidings.notification_rule('app.doc', name => 'one', type => 'doc.owned', users => 'array[r.owner]')`;
        const other = rule('', 'app.doc', 'other').execute();
        await expect
            .poll(() => sql`select from pg_locks where not granted and locktype = 'relation'`, { timeout: 10_000 })
            .toHaveLength(1);
        await one`commit`;
        one.release();
        await other;
        expect(await sql`select name from tidings.notification_rules order by 1`).toEqual([
            { name: 'one' },
            { name: 'other' },
        ]);
    });

    test('needs an owner who may ask who can read, schema and all', async () => {
        await sql.unsafe(`create role review_poor; grant tidings_dba to review_poor; create schema elsewhere authorization review_poor;
            create table elsewhere.doc (id int primary key, owner text); alter table elsewhere.doc owner to review_poor`);
        try {
            await expect(rule(`, topic => $$'project:' || r.id$$`, 'elsewhere.doc')).rejects.toThrow(
                'expected the owner of elsewhere.doc, review_poor, to be allowed to ask who can read topics of kind project',
            );
        } finally {
            await sql.unsafe('drop owned by review_poor cascade; drop role review_poor');
        }
    });
});

describe('tidings.send_notification', () => {
    test.each(['tidings_server', 'tidings_dba'])('is for %s', async (role) => {
        const [row] = await sql.begin(async (tx) => {
            await tx.unsafe(`grant usage on schema app to tidings_dba; set local role ${role}`);
            return await tx`select tidings.send_notification('{ada,stranger}', 'doc.made', topic => 'project:7') as n`;
        });
        expect(row).toEqual({ n: 1 });
    });

    test('to nobody about something sends nothing', async () => {
        expect(
            await sql`
                select tidings.send_notification('{}', 'doc.made', topic => 'project:7') as none,
                    tidings.send_notification(null, 'doc.made', topic => 'project:7') as nobody`,
        ).toEqual([{ none: 0, nobody: 0 }]);
    });

    test('under a key sends once of two at once, and again if the first was rolled back', async () => {
        const send = (by: Sql) =>
            by`select tidings.send_notification('{ada}', 'doc.made', dedupe_key => 'review') as n`.execute();
        const one = await sql.reserve();
        for (const [end, sent] of [
            ['rollback', 1],
            ['commit', 0],
        ] as const) {
            await sql`delete from tidings.dedupe`;
            await one`begin`;
            await one`select tidings.send_notification('{ada}', 'doc.made', dedupe_key => 'review')`;
            const other = send(sql);
            await expect
                .poll(() => sql`select from pg_locks where not granted and locktype = 'transactionid'`, {
                    timeout: 10_000,
                })
                .toHaveLength(1);
            await one.unsafe(end);
            expect([...(await other)]).toEqual([{ n: sent }]);
        }
        one.release();
    });
});

test('a template of an address takes no more than a part of it from a payload', async () => {
    await sql`select tidings.send_notification('{ada}', 'doc.owned', ${sql.json({ id: '../../x?y=1#ä |', title: '../' })}, actor => 'bob')`;
    expect(
        await sql`select notification -> 'url' as url, notification -> 'title' as title from tidings.list_notifications('ada')`,
    ).toEqual([{ url: '/d/..%2F..%2Fx%3Fy%3D1%23%C3%A4%20%7C', title: 'Someone gave you ../' }]);
});

test.each([
    ['bigint', '1234567890123456789', ['ada', '99999999999999999999', '7']],
    ['integer', '2000000000', ['ada', '9999999999']],
    ['smallint', '17', ['ada', '99999']],
    ['numeric', '17', ['ada']],
    ['uuid', '00000000-0000-4000-8000-000000000001', ['ada']],
    ['app.uid', '00000000-0000-4000-8000-000000000001', ['ada']],
    ['char(5)', 'ada', ['adb']],
    ['varchar(5)', 'ada', ['a-very-long-one']],
])('people of ids of type %s are known by name, and others are nobody', async (type, id, others) => {
    await sql.unsafe(`
        drop table if exists app.human;
        drop domain if exists app.uid;
        create domain app.uid as uuid not null;
        create table app.human (id ${type} primary key, email text, name text, time_zone text, locale text);
        insert into app.human values ('${id}', null, 'Ada', null, null);
        grant select on app.human to tidings_server;
        select tidings.people('app.human')`);
    expect(await sql`select id, name from tidings.people_of(${[id, ...others]})`).toEqual([{ id, name: 'Ada' }]);
    await sql`delete from tidings.setting where name = 'people'`;
});

test.each([
    ['Mars/Base+5', false],
    ['Mars/Base5', false],
    ['Europe/Berlin-2', false],
    ['Etc/GMT+99', false],
    ['Etc/GMT-14', true],
    ['Etc/GMT0', true],
    ['America/Port-au-Prince', true],
    ['America/Argentina/Buenos_Aires', true],
])('%s is a time zone: %s', async (zone, known) => {
    expect(await sql`select tidings.is_time_zone(${zone}) as known`).toEqual([{ known }]);
});

test('quiet hours end when their end comes first on the night it comes twice', async () => {
    // 2026-10-25 03:00 is followed by 02:00.
    const rows = await sql`
        select tidings.iso(tidings.quiet_until(m.at, 'Europe/Berlin', '22:00', '02:30')) as at
        from unnest(array['2026-10-24T21:00Z', '2026-10-25T00:29Z', '2026-10-25T00:45Z', '2026-10-25T01:15Z']::timestamptz[]) with ordinality m (at, n)
        order by m.n`;
    expect(rows.map((row) => row['at'])).toEqual([
        '2026-10-25T00:30:00.000Z',
        '2026-10-25T00:30:00.000Z',
        '2026-10-25T00:45:00.000Z',
        '2026-10-25T01:15:00.000Z',
    ]);
});

test('preferences replaced by two at once are those of one, without deadlock', async () => {
    const chosen = [
        { 'a.a': { email: 'off' }, 'm.m': { email: 'off' } },
        { 'b.b': { email: 'daily' }, 'z.z': { email: 'off' } },
    ];
    for (let n = 0; n < 50; n += 1) {
        await Promise.all(chosen.map((one) => sql`select tidings.replace_preferences('ada', ${sql.json(one)})`));
        const [row] = await sql`select tidings.preferences_of('ada') -> 'preferences' as is`;
        expect(chosen).toContainEqual(row?.['is']);
    }
});

/** Does things at random to an inbox; says where counts and lists first disagree. */
const WALK = `
create function pg_temp.walk(seed float8, steps int) returns text language plpgsql as $$
declare
    v_id uuid;
    v_what int;
    v_counts record;
    v_list record;
    v_rows bigint;
begin
    perform setseed(seed);
    truncate tidings.notification;
    for v_step in 1..steps loop
        select n.id into v_id from tidings.notification n order by random() limit 1;
        v_what := floor(random() * 12);
        case
            when v_what <= 3 or v_id is null then
                perform tidings.send_notification('{ada}', 'doc.made', group_key => case when random() < 0.8 then 'g' || floor(random() * 3) end);
            when v_what = 4 then perform tidings.mark_read('ada', array[v_id]);
            when v_what = 5 then perform tidings.mark_read('ada', array[v_id], false);
            when v_what in (6, 7) then perform tidings.archive_notification('ada', v_id, v_what = 6);
            when v_what = 8 then perform tidings.snooze_notification('ada', v_id, clock_timestamp() + interval '1 h');
            when v_what = 9 then perform tidings.snooze_notification('ada', v_id, null);
            when v_what = 10 then perform tidings.mark_until('ada', case when random() < 0.5 then 'read' else 'seen' end, case when random() < 0.5 then v_id end, 5);
            else
                update tidings.notification n set snoozed_until = now() - interval '1 s' where n.id = v_id and n.snoozed_until is not null;
                perform tidings.wake_snoozed();
        end case;
        select * into v_counts from tidings.notification_counts('ada');
        select count(*) as entries into v_list from tidings.list_notifications('ada', true, max_rows => 1000);
        if v_counts.unread <> v_list.entries then
            return format('seed %s step %s: %s unread, %s listed', seed, v_step, v_counts.unread, v_list.entries);
        end if;
        select sum((l.notification ->> 'count')::int) into v_rows
        from (values (true), (false)) a (archived), (values (true), (false)) s (snoozed),
            tidings.list_notifications('ada', archived => a.archived, snoozed => s.snoozed, max_rows => 1000) l;
        if v_rows <> (select count(*) from tidings.notification) then
            return format('seed %s step %s: %s rows in the lists', seed, v_step, v_rows);
        end if;
    end loop;
    return null;
end;
$$`;

test('what was restored from a cluster of higher transaction ids is marked like any other', async () => {
    for (const asOf of ['null', 'pg_current_snapshot()']) {
        await sql`select tidings.send_notification('{ada}', 'doc.made')`;
        await sql`update tidings.notification set xid = '9000000000'`;
        expect(await sql.unsafe(`select tidings.mark_until('ada', 'read', as_of => ${asOf}) as n`)).toEqual([{ n: 1 }]);
    }
});

test('whatever is done to entries, the counts are those of the list and every row stands in one of the lists', async () => {
    const found = await sql.begin(async (tx) => {
        await tx.unsafe(WALK);
        return await tx`select distinct pg_temp.walk(seed / 10.0, 60) as found from generate_series(1, 5) seed`;
    });
    expect(found).toEqual([{ found: null }]);
});

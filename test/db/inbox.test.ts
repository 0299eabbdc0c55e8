/** The inbox: what it lists and counts, and what becomes of an entry. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { sequenceAll } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create table app.someone (id text primary key, name text, locale text);
        insert into app.someone values ('ada', 'Ada', 'en'), ('bob', 'Bob', 'de-AT'), ('cyd', 'Cyd', null), ('dee', 'Dee', null);
        create view app.people as select id, null as email, name, null as time_zone, locale from app.someone;
        grant usage on schema app to tidings_server;
        grant select on app.people to tidings_server;
        select tidings.people('app.people');
        select tidings.notification_type('note.made', title => '{actor} made {title}', body => '{actor}: {body} {none}', url => '/n/{id}'),
            tidings.notification_type('note.made', locale => 'de', title => '{actor} machte {title}')`);
});
afterAll(() => database.close());
beforeEach(async () => {
    await sql`truncate tidings.notification`;
});

type Sent = { to?: string; group?: string; actor?: string; type?: string; payload?: object };

/** Sends one, and gives its id. */
async function send({ to = 'ada', group, actor, type = 'note.made', payload = {} }: Sent = {}): Promise<string> {
    await sql`select tidings.send_notification(array[${to}], ${type}, ${JSON.stringify(payload)}::text::jsonb,
        group_key => ${group ?? null}, actor => ${actor ?? null})`;
    const [row] = await sql<{ id: string }[]>`
        select id from tidings.notification where user_id = ${to} order by created_at desc, id desc limit 1`;
    return row?.id ?? '';
}

type Entry = Readonly<Record<string, unknown>> & { readonly id: string; readonly count: number };

async function list(options = '', user = 'ada'): Promise<Entry[]> {
    const rows = await sql.unsafe(`select l.notification from tidings.list_notifications('${user}'${options}) l`);
    return rows.map((row) => row['notification'] as Entry);
}

async function counts(user = 'ada'): Promise<[number, number]> {
    const [row] = await sql<{ unread: number; unseen: number }[]>`
        select unread::int, unseen::int from tidings.notification_counts(${user})`;
    return [row?.unread ?? -1, row?.unseen ?? -1];
}

const read = (id: string, now = true, user = 'ada') =>
    sql`select tidings.mark_read(${user}, array[${id}::uuid], ${now})`;
const until = async (what: string, before: string | null, most = 1000) =>
    (await sql`select tidings.mark_until('ada', ${what}, ${before}::uuid, ${most}) as n`)[0]?.['n'];
/** The notification events appended since the last call. */
let lastEvent = 0;
async function events(): Promise<string[]> {
    const rows = await sql<{ id: string; line: string }[]>`
        select e.id, concat_ws(' ', e.topic, e.event, e.data ->> 'id') as line
        from tidings.event e where e.id > ${lastEvent} order by e.id`;
    lastEvent = Number(rows.at(-1)?.id ?? lastEvent);
    return rows.map(({ line }) => line);
}

describe('an entry', () => {
    test('is told by the templates of its type, in the locale of its reader', async () => {
        const payload = { id: 9, title: 'Minutes', body: '{actor} & <b>' };
        await send({ actor: 'bob', payload });
        expect((await list())[0]).toMatchObject({
            title: 'Bob made Minutes',
            body: 'Bob: {actor} & <b>',
            url: '/n/9',
            payload,
        });
        await send({ to: 'bob', actor: 'ada', payload });
        expect((await list('', 'bob'))[0]).toMatchObject({
            title: 'Ada machte Minutes',
            body: 'Ada: {actor} & <b>',
            url: '/n/9',
        });
        await send({ to: 'cyd', type: 'never.declared' });
        expect((await list('', 'cyd'))[0]).toMatchObject({ title: 'never.declared', body: null });
    });

    test('is its reader’s own', async () => {
        const id = await send();
        expect(await list('', 'bob')).toEqual([]);
        expect(
            await sql`select tidings.mark_read('bob', array[${id}::uuid]) as own, tidings.archive_notification('bob', ${id}) as archived,
            tidings.snooze_notification('bob', ${id}, now() + interval '1 h') as snoozed, tidings.mark_until('bob', 'read', ${id}) as marked`,
        ).toEqual([{ own: [], archived: false, snoozed: false, marked: null }]);
        expect((await list())[0]).toMatchObject({ readAt: null, archivedAt: null, snoozedUntil: null });
    });

    test('tells its user’s sockets of every change, and of nothing else', async () => {
        const id = await send();
        await events();
        await read(id);
        await read(id);
        await sql`select tidings.archive_notification('ada', ${id}), tidings.archive_notification('ada', ${id})`;
        await sql`select tidings.snooze_notification('ada', ${id}, now() + interval '1 h')`;
        expect(await events()).toEqual(Array(3).fill(`user:ada notification.updated ${id}`));
        await until('read', null);
        expect(await events()).toEqual([]);
        await send();
        await events();
        await until('read', null);
        expect(await events()).toEqual(['user:ada notification.updated']);
    });
});

describe('a group', () => {
    test('is one entry with its count and its last three actors', async () => {
        await send({ group: 'g', actor: 'bob' });
        await send({ group: 'g', actor: 'cyd' });
        await send();
        await send({ group: 'g', actor: 'dee' });
        await send({ group: 'g', actor: 'eve' });
        await send({ group: 'g', actor: 'cyd' });
        const [group, alone] = await list();
        expect(group).toMatchObject({
            count: 5,
            actorId: 'cyd',
            actors: [
                { id: 'cyd', name: 'Cyd' },
                { id: 'eve', name: null },
                { id: 'dee', name: 'Dee' },
            ],
        });
        expect(alone).toMatchObject({ count: 1, actors: [] });
        expect(await counts()).toEqual([2, 2]);
    });

    test('once read stays one entry, and the next begins a new one', async () => {
        await send({ group: 'g' });
        const head = await send({ group: 'g' });
        await read(head);
        expect((await list()).map(({ count }) => count)).toEqual([2]);
        await send({ group: 'g' });
        expect((await list()).map(({ count, readAt }) => [count, readAt === null])).toEqual([
            [1, true],
            [2, false],
        ]);
        expect(await counts()).toEqual([1, 1]);
    });

    test('read by its head leaves unread what came after that', async () => {
        const head = await send({ group: 'g' });
        await send({ group: 'g' });
        await read(head);
        expect((await list(', unread_only => true')).map(({ count }) => count)).toEqual([1]);
    });

    test('marked unread again is one with what came since', async () => {
        const head = await send({ group: 'g' });
        await read(head);
        await send({ group: 'g' });
        await read(head, false);
        expect((await list()).map(({ count }) => count)).toEqual([2]);
    });

    test('of one user has nothing to do with that of another', async () => {
        await send({ group: 'g' });
        await send({ to: 'bob', group: 'g' });
        expect((await list()).map(({ count }) => count)).toEqual([1]);
    });
});

describe('a list', () => {
    test('gives every entry once, page by page, newest first', async () => {
        await sql`select tidings.send_notification('{ada}', 'note.made', jsonb_build_object('n', g), group_key => case when g % 3 = 0 then 'g' || g % 6 end)
            from generate_series(1, 60) g`;
        const whole = (await list(', max_rows => 100')).map(({ id }) => id);
        expect(whole).toHaveLength(42);
        const walked: string[] = [];
        let after = '';
        for (;;) {
            const rows = await sql.unsafe(
                `select id, created_at::text as at from tidings.list_notifications('ada', max_rows => 7${after}) l`,
            );
            walked.push(...rows.map((row) => String(row['id'])));
            const last = rows.at(-1);
            if (last === undefined) break;
            after = `, before_at => '${last['at']}', before_id => '${last['id']}'`;
        }
        expect(walked).toEqual(whole);
    });

    test('hides what is archived or snoozed unless it is asked for', async () => {
        const [a, b, c] = [await send(), await send(), await send({ type: 'other.made' })];
        await sql`select tidings.archive_notification('ada', ${a}), tidings.snooze_notification('ada', ${b}, now() + interval '1 h')`;
        const ids = async (options: string) => (await list(options)).map(({ id }) => id);
        expect(await ids('')).toEqual([c]);
        expect(await ids(', archived => true')).toEqual([a]);
        expect(await ids(', snoozed => true')).toEqual([b]);
        expect(await ids(`, type => 'note.made'`)).toEqual([]);
        expect(await counts()).toEqual([1, 1]);
        await sql`select tidings.archive_notification('ada', ${a}, false), tidings.snooze_notification('ada', ${b}, null)`;
        expect(await ids('')).toEqual([c, b, a]);
    });
});

describe('marking all', () => {
    test('goes up to the place of one in the stream, however old what came later says it is', async () => {
        await send();
        const slow = await sql.reserve();
        await slow`begin`;
        await slow`select tidings.send_notification('{ada}', 'note.made', '{"late": true}')`;
        const before = await send();
        await sequenceAll(sql);
        await slow`commit`;
        slow.release();
        await send();
        expect(await until('seen', before)).toBe(2);
        await sequenceAll(sql);
        expect(await until('read', before)).toBe(2);
        expect((await list(', unread_only => true')).length).toBe(2);
        expect((await list()).map(({ readAt, seenAt }) => [readAt === null, seenAt === null])).toEqual([
            [true, true],
            [false, false],
            [true, true],
            [false, false],
        ]);
        expect(await until('read', null)).toBe(2);
        expect(await counts()).toEqual([0, 0]);
    });

    test('up to one that is not numbered yet takes what will be numbered before it', async () => {
        await send();
        await sequenceAll(sql);
        await send();
        const before = await send();
        await send();
        expect(await until('read', before)).toBe(3);
    });

    test('in batches is as one, and one that is full says nothing to the sockets', async () => {
        await sql`select tidings.send_notification('{ada}', 'note.made', group_key => 'g') from generate_series(1, 25) g`;
        await events();
        expect([await until('seen', null, 10), await until('seen', null, 10), await until('seen', null, 10)]).toEqual([
            10, 10, 5,
        ]);
        expect(await events()).toHaveLength(1);
        const at = new Date();
        for (let n = 0; n < 3; n += 1) await sql`select tidings.mark_until('ada', 'read', null, 10, ${at})`;
        expect((await list()).map(({ count }) => count)).toEqual([25]);
    });

    test('in one call does it all', async () => {
        await send();
        const before = await send();
        await send();
        expect(
            await sql`select tidings.mark_all_read('ada', ${before}) as some, tidings.mark_all_read('ada') as rest`,
        ).toEqual([{ some: 2, rest: 1 }]);
    });

    test('by two at once waits for no deadlock and counts right', async () => {
        const ids: string[] = [];
        for (let n = 0; n < 20; n += 1) ids.push(await send({ group: n % 2 === 0 ? 'g' : 'h' }));
        await Promise.all([
            ...ids.map((id) => read(id)),
            ...ids.toReversed().map((id) => read(id)),
            until('read', null, 5),
            until('seen', null, 7),
            until('read', null),
        ]);
        expect(await counts()).toEqual([0, 0]);
    });
});

describe('a snoozed entry', () => {
    test('comes back when its time has come, unread, and rings', async () => {
        await send({ group: 'g' });
        const head = await send({ group: 'g' });
        await sql`select tidings.mark_read('ada', array[${head}::uuid]), tidings.snooze_notification('ada', ${head}, now() + interval '1 h')`;
        await events();
        expect(await sql`select tidings.wake_snoozed() as n`).toEqual([{ n: 0 }]);
        await sql`update tidings.notification set snoozed_until = now() - interval '1 s'`;
        expect(await sql`select tidings.wake_snoozed() as n`).toEqual([{ n: 2 }]);
        expect(await events()).toEqual([`user:ada notification.created ${head}`]);
        expect((await list())[0]).toMatchObject({ id: head, count: 2, readAt: null, seenAt: null, snoozedUntil: null });
        expect(await counts()).toEqual([1, 1]);
    });

    test('must wait for a moment that is to come', async () => {
        const id = await send();
        await expect(sql`select tidings.snooze_notification('ada', ${id}, '2020-01-01T00:00:00Z')`).rejects.toThrow(
            'expected until to be in the future, got 2020-01-01T00:00:00.000Z',
        );
    });
});

describe('frames', () => {
    test('carry each entry and its user’s counts as they are', async () => {
        const one = await send();
        const two = await send({ to: 'bob' });
        await read(one);
        const rows = await sql<{ n: number; data: string }[]>`
            select n, data from tidings.notification_frames(${sql.array(['ada', 'bob', 'ada', 'cyd'])}::text[], array[${one}, ${two}, null, ${two}]::uuid[])`;
        const frames = rows.map(({ data }) => JSON.parse(data));
        expect(frames).toEqual([
            { notification: (await list())[0], counts: { unread: 0, unseen: 0 } },
            { notification: (await list('', 'bob'))[0], counts: { unread: 1, unseen: 1 } },
            { notification: null, counts: { unread: 0, unseen: 0 } },
            { notification: null, counts: { unread: 0, unseen: 0 } },
        ]);
    });

    test('tell rows of one entry as the entry, those of another state as theirs', async () => {
        const first = await send({ group: 'g' });
        const second = await send({ group: 'g' });
        await read(second);
        const third = await send({ group: 'g' });
        const fourth = await send({ group: 'g' });
        const alone = await send();
        const ids = [first, third, second, alone, fourth];
        const rows = await sql<{ data: string }[]>`
            select data from tidings.notification_frames(${sql.array(ids.map(() => 'ada'))}::text[], ${sql.array(ids)}::uuid[])`;
        const told = rows.map(({ data }) => JSON.parse(data).notification);
        expect(told.map(({ id, count }) => [id, count])).toEqual([
            [second, 2],
            [fourth, 2],
            [second, 2],
            [alone, 1],
            [fourth, 2],
        ]);
        expect(await list()).toEqual([told[3], told[1], told[0]]);
    });
});

test('retention deletes what is old, a page at a time', async () => {
    await sql`select tidings.send_notification('{ada}', 'note.made') from generate_series(1, 5)`;
    await sql`update tidings.notification set created_at = now() - interval '91 days'`;
    await send();
    const purge = async () =>
        (await sql`select tidings.purge_notifications(now() - interval '90 days', 3) as n`)[0]?.['n'];
    expect([await purge(), await purge(), await purge()]).toEqual([3, 2, 0]);
    expect(await list()).toHaveLength(1);
});

test('an entry says nothing while its reader may not read what it is about', async () => {
    await sql.unsafe(`
        create table app.guest (user_id text, room bigint);
        create function app.may_enter(user_id text, room bigint) returns boolean language sql stable
            as $$ select exists (select from app.guest g where g.user_id = may_enter.user_id and g.room = may_enter.room) $$;
        grant usage on schema app to tidings_server;
        insert into app.guest values ('ada', 7);
        select tidings.topic_kind('room', 'app.may_enter(text, bigint)');`);
    await sql`select tidings.send_notification('{ada}', 'note.made', '{"title": "Secret"}', topic => 'room:7', actor => 'bob')`;
    const open = { title: 'Bob made Secret', payload: { title: 'Secret' }, actorId: 'bob', actors: [{ name: 'Bob' }] };
    expect((await list())[0]).toMatchObject(open);
    await sql`delete from app.guest`;
    const [entry] = await list();
    expect(entry).toMatchObject({
        title: 'note.made',
        body: null,
        url: null,
        payload: {},
        actorId: null,
        actors: [],
        count: 1,
    });
    expect(JSON.stringify(entry)).not.toMatch(/Secret|bob/i);
    const [frame] = await sql`
        select data from tidings.notification_frames('{ada}', array[${entry?.id ?? ''}::uuid])`;
    expect(frame?.['data']).not.toMatch(/Secret|bob/i);
    expect(await counts()).toEqual([1, 1]);
    await sql`insert into app.guest values ('ada', 7)`;
    expect((await list())[0]).toMatchObject(open);
});

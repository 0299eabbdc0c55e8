/** Preferences: who is told how, and when a mail may go. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql`select tidings.notification_type('note.made', title => 'x'), tidings.notification_type('alarm.rang', title => 'x', critical => true)`;
});
afterAll(() => database.close());
beforeEach(async () => {
    await sql`truncate tidings.notification, tidings.preference, tidings.topic_preference, tidings.schedule`;
});

const prefer = (type: string, channel: string, value: string | null) =>
    sql`select tidings.set_preference('ada', ${type}, ${channel}, ${value})`;

/** How a notification reaches ada: [in the inbox, by mail], or nothing. */
async function reaches(type = 'note.made', topic: string | null = null): Promise<unknown> {
    await sql`truncate tidings.notification`;
    await sql`select tidings.append_notifications('{ada}', '{1}', array[${type}], '{"{}"}', array[null], array[${topic}], array[null])`;
    const rows = await sql`select in_app, email from tidings.notification`;
    return rows.map((row) => [row['in_app'], row['email']])[0];
}

describe('a preference', () => {
    test('is not needed: the inbox shows it, and mail is as the server says', async () => {
        expect(await reaches()).toEqual([true, null]);
    });

    test.each(['off', 'instant', 'hourly', 'daily', 'weekly'])('for mail may be %s', async (value) => {
        await prefer('*', 'email', value);
        expect(await reaches()).toEqual([true, value]);
    });

    test('for a type goes before that for any, channel by channel', async () => {
        await prefer('*', 'email', 'weekly');
        await prefer('*', 'inApp', 'off');
        expect(await reaches()).toEqual([false, 'weekly']);
        await prefer('note.made', 'email', 'instant');
        expect(await reaches()).toEqual([false, 'instant']);
        await prefer('note.made', 'inApp', 'instant');
        expect(await reaches()).toEqual([true, 'instant']);
        expect(await reaches('other.made')).toEqual([false, 'weekly']);
        await prefer('note.made', 'email', null);
        expect(await reaches()).toEqual([true, 'weekly']);
    });

    test('for nothing on any channel makes no notification and no event', async () => {
        await prefer('*', 'email', 'off');
        await prefer('*', 'inApp', 'off');
        const [before] = await sql`select max(id) from tidings.event`;
        expect(await reaches()).toBeUndefined();
        expect((await sql`select max(id) from tidings.event`)[0]).toEqual(before);
    });

    test('to mute a topic silences both, there only', async () => {
        await sql`select tidings.set_topic_preference('ada', 'project:17', 'mute')`;
        expect(await reaches('note.made', 'project:17')).toBeUndefined();
        expect(await reaches('note.made', 'project:18')).toEqual([true, null]);
        await sql`select tidings.unset_topic_preference('ada', 'project:17', 'watch')`;
        expect(await reaches('note.made', 'project:17')).toBeUndefined();
        await sql`select tidings.unset_topic_preference('ada', 'project:17', 'mute')`;
        expect(await reaches('note.made', 'project:17')).toEqual([true, null]);
    });

    test('does not hold back what is critical', async () => {
        await prefer('*', 'email', 'off');
        await prefer('alarm.rang', 'inApp', 'off');
        await sql`select tidings.set_topic_preference('ada', 'project:17', 'mute')`;
        expect(await reaches('alarm.rang', 'project:17')).toEqual([true, 'instant']);
    });

    test.each([
        [`'a b', '*', 'email', 'off'`, `expected user_id to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got 'a b'`],
        [`'ada', 'A B', 'email', 'off'`, `expected type to be * or a name like task.assigned, got 'A B'`],
        [`'ada', '*', 'sms', 'off'`, `expected channel to be inApp or email, got 'sms'`],
        [`'ada', '*', 'inApp', 'daily'`, `expected inApp to be off or instant, got 'daily'`],
        [`'ada', '*', 'email', 'yearly'`, `expected email to be off, instant, hourly, daily or weekly, got 'yearly'`],
    ])('of (%s) is refused', async (args, message) => {
        await expect(sql.unsafe(`select tidings.set_preference(${args})`)).rejects.toThrow(message);
    });

    test('can be replaced all at once', async () => {
        await prefer('old.type', 'email', 'off');
        await sql`select tidings.replace_preferences('ada', '{"*": {"email": "daily"}, "note.made": {"inApp": "off", "email": "instant"}}')`;
        expect((await sql`select tidings.preferences_of('ada') as p`)[0]?.['p'].preferences).toEqual({
            '*': { email: 'daily' },
            'note.made': { inApp: 'off', email: 'instant' },
        });
    });
});

describe('a schedule', () => {
    test.each([
        [`time_zone => 'Mars/Base'`, `expected time_zone to be an IANA name like Europe/Berlin, got 'Mars/Base'`],
        [`time_zone => 'CET'`, `expected time_zone to be an IANA name like Europe/Berlin, got 'CET'`],
        [`time_zone => '+02:00'`, `expected time_zone to be an IANA name like Europe/Berlin, got '+02:00'`],
        ['digest_hour => 24', 'expected digest_hour to be 0 to 23, got 24'],
        ['digest_weekday => 0', 'expected digest_weekday to be 1 to 7, got 0'],
        [`quiet_from => '22:00'`, 'expected quiet hours to have two different ends, got 22:00:00 and null'],
    ])('of %s is refused', async (args, message) => {
        await expect(sql.unsafe(`select tidings.set_schedule('ada', ${args})`)).rejects.toThrow(message);
    });

    test('is replaced as a whole', async () => {
        await sql`select tidings.set_schedule('ada', 'Europe/Berlin', 8, 1, '22:00', '07:00')`;
        await sql`select tidings.set_schedule('ada', 'America/Sao_Paulo')`;
        expect((await sql`select tidings.preferences_of('ada') as p`)[0]?.['p']).toMatchObject({
            timeZone: 'America/Sao_Paulo',
            digestHour: null,
            quietHours: null,
        });
    });
});

describe('quiet hours', () => {
    const quiet = async (at: string, zone: string, from: string | null, to: string | null) =>
        (await sql`select tidings.iso(tidings.quiet_until(${at}, ${zone}, ${from}::time, ${to}::time)) as at`)[0]?.[
            'at'
        ];

    test.each([
        ['outside them', '2026-06-01T12:00:00.000Z', 'Europe/Berlin', '22:00', '07:00', '2026-06-01T12:00:00.000Z'],
        ['none', '2026-06-01T12:00:00.000Z', 'Europe/Berlin', null, null, '2026-06-01T12:00:00.000Z'],
        ['before midnight', '2026-06-01T20:30:00.000Z', 'Europe/Berlin', '22:00', '07:00', '2026-06-02T05:00:00.000Z'],
        ['after midnight', '2026-06-01T23:30:00.000Z', 'Europe/Berlin', '22:00', '07:00', '2026-06-02T05:00:00.000Z'],
        [
            'at their beginning',
            '2026-06-01T20:00:00.000Z',
            'Europe/Berlin',
            '22:00',
            '07:00',
            '2026-06-02T05:00:00.000Z',
        ],
        ['at their end', '2026-06-02T05:00:00.000Z', 'Europe/Berlin', '22:00', '07:00', '2026-06-02T05:00:00.000Z'],
        ['within a day', '2026-06-01T11:00:00.000Z', 'Europe/Berlin', '12:00', '14:30', '2026-06-01T12:30:00.000Z'],
        ['far east', '2026-06-01T15:00:00.000Z', 'Pacific/Auckland', '22:00', '07:00', '2026-06-01T19:00:00.000Z'],
        // 2026-03-29 02:00 is followed by 03:00.
        [
            'a night an hour short',
            '2026-03-28T21:30:00.000Z',
            'Europe/Berlin',
            '22:00',
            '07:00',
            '2026-03-29T05:00:00.000Z',
        ],
        [
            'an end that is skipped',
            '2026-03-29T00:30:00.000Z',
            'Europe/Berlin',
            '22:00',
            '02:30',
            '2026-03-29T01:30:00.000Z',
        ],
        // 2026-10-25 03:00 is followed by 02:00.
        [
            'a night an hour long',
            '2026-10-24T20:30:00.000Z',
            'Europe/Berlin',
            '22:00',
            '07:00',
            '2026-10-25T06:00:00.000Z',
        ],
    ])('%s', async (_, at, zone, from, to, end) => {
        expect(await quiet(at, zone, from, to)).toBe(end);
    });

    test('end after they began, never before now, at every minute of the nights the clocks change', async () => {
        const [row] = await sql`
            select
                bool_and(q.at >= m.at) as forward,
                bool_and(tidings.quiet_until(q.at, z.zone, h.f, h.t) = q.at) as settled,
                max(q.at - m.at) as longest, count(*)::int as n
            from unnest(array['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago']) z (zone)
            cross join (values ('22:00'::time, '07:00'::time), ('01:30', '02:30'), ('02:15', '01:45'), ('00:00', '03:00')) h (f, t)
            cross join unnest(array['2026-03-07', '2026-03-28', '2026-04-04', '2026-09-05', '2026-10-03', '2026-10-24', '2026-10-31']::timestamptz[]) d (day)
            cross join lateral generate_series(d.day, d.day + interval '2 days', interval '7 minutes') m (at)
            cross join lateral (select tidings.quiet_until(m.at, z.zone, h.f, h.t) as at) q`;
        expect(row).toMatchObject({ forward: true, settled: true });
        expect(row?.['n']).toBeGreaterThan(40_000);
    });
});

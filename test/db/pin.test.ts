/** What a subscription is answered: who may read, where the topic is, and whether the past asked for is there. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { sequenceAll } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

const UUID = '0fa3c6e2-0000-4000-8000-000000000001';

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app; grant usage on schema app to tidings_server;
        create function app.by_uuid(who text, id uuid) returns boolean language sql return who = '42';
        create function app.by_bigint(who text, id bigint) returns boolean language sql return who = '42';
        create function app.by_integer(who text, id int) returns boolean language sql return who = '42';
        create function app.by_text(who text, id text) returns boolean language sql return who = '42';
        create function app.nullish(who text, id text) returns boolean language sql return null::boolean;
        create function app.moody(who text, id bigint) returns boolean language plpgsql as
            $$ begin assert id <> 13, 'unlucky'; return 1 / id < 2; end $$;
        create function app.who(who text, id text) returns boolean language sql return current_user = 'tidings_server';
        select tidings.topic_kind('u', 'app.by_uuid(text,uuid)'), tidings.topic_kind('b', 'app.by_bigint(text,bigint)'),
            tidings.topic_kind('i', 'app.by_integer(text,int)'), tidings.topic_kind('t', 'app.by_text(text,text)'),
            tidings.topic_kind('n', 'app.nullish(text,text)'), tidings.topic_kind('m', 'app.moody(text,bigint)'),
            tidings.topic_kind('w', 'app.who(text,text)')`);
});

afterAll(() => database.close());

describe('may_read', () => {
    async function mayRead(pairs: readonly (readonly [user: string, topic: string])[]): Promise<unknown> {
        const [row] = await sql.begin(async (tx) => {
            await tx`set local role tidings_server`;
            return tx`select tidings.may_read(${pairs.map(([user]) => user)}::text[], ${pairs.map(([, topic]) => topic)}::text[]) as answers`;
        });
        return row?.['answers'];
    }

    test.each([
        ['user:42', true],
        ['user:43', false],
        [`u:${UUID}`, true],
        [`u:${UUID.toUpperCase()}`, false],
        ['u:17', false],
        ['b:17', true],
        ['b:-17', true],
        ['b:0', true],
        ['b:017', false],
        ['b:-0', false],
        ['b:9223372036854775807', true],
        ['b:9223372036854775808', false],
        ['b:99999999999999999999', false],
        ['b:1e3', false],
        ['b:x', false],
        ['i:2147483647', true],
        ['i:2147483648', false],
        ['i:9999999999', false],
        ['t:anything|at@all', true],
        ['n:1', false],
        ['w:1', true],
        ['unknown:1', false],
        ['tidings:access', false],
        ['tidings:control', false],
    ])('answers %s with %j', async (topic, allowed) => {
        expect(await mayRead([['42', topic]])).toEqual([allowed]);
    });

    test('answers many in the order asked', async () => {
        expect(
            await mayRead([
                ['42', 't:1'],
                ['43', 't:1'],
                ['42', 'user:42'],
                ['42', 'nope:1'],
                ['42', 'b:x'],
                ['43', 'b:1'],
                ['42', 'b:1'],
            ]),
        ).toEqual([true, false, true, false, false, false, true]);
    });

    test('lets only those suffer whose check raises', async () => {
        expect(
            await mayRead([
                ['42', 'm:1'],
                ['42', 'm:0'],
                ['42', 't:1'],
                ['42', 'm:13'],
                ['42', 'm:2'],
            ]),
        ).toEqual([true, false, true, false, true]);
    });

    test('answers none with none', async () => {
        expect(await mayRead([])).toEqual([]);
    });

    test('answers 5000 in well under a second', async () => {
        const begun = performance.now();
        const answers = await mayRead(Array.from({ length: 5000 }, (_, n) => ['42', `b:${n}`] as const));
        expect(answers).toEqual(Array.from({ length: 5000 }, () => true));
        expect(performance.now() - begun).toBeLessThan(2000);
    });
});

describe('pin', () => {
    const pin = async (topic: string, since: number | null, user = '42') => {
        const [row] = await sql`
            select n, allowed, head::int, epoch, gseq::int, resumable
            from tidings.pin(array[${user}], array[${topic}], array[${since}::bigint])`;
        return row;
    };
    let epoch: string;
    let gseq: number;

    beforeAll(async () => {
        await sql`select tidings.emit('t:1', 'note.made') from generate_series(1, 3)`;
        await sequenceAll(sql);
        const [run] = await sql`select epoch, gseq::int from tidings.run order by run desc limit 1`;
        epoch = run?.['epoch'];
        gseq = run?.['gseq'];
    });

    test.each([
        [null, false],
        [0, true],
        [2, true],
        [3, true],
        [4, false],
        [-1, false],
    ])('calls a position %j resumable: %j', async (since, resumable) => {
        expect(await pin('t:1', since)).toEqual({ n: 1, allowed: true, head: 3, epoch, gseq, resumable });
    });

    test('says 0 of a topic nothing happened on', async () => {
        expect(await pin('t:silent', 0)).toEqual({ n: 1, allowed: true, head: 0, epoch, gseq, resumable: true });
    });

    test('does not tell the head to who may not read', async () => {
        expect(await pin('t:1', null, '43')).toEqual({ n: 1, allowed: false, head: 0, epoch, gseq, resumable: false });
    });

    test('answers as many as it was asked, in order', async () => {
        expect(
            await sql`select n, allowed, head::int from tidings.pin('{42,43,42}', '{t:1,t:1,user:42}', array[0, 0, null]::bigint[])`,
        ).toEqual([
            { n: 1, allowed: true, head: 3 },
            { n: 2, allowed: false, head: 0 },
            { n: 3, allowed: true, head: 0 },
        ]);
    });

    test('sees one snapshot although events are numbered meanwhile', async () => {
        await sql.begin('isolation level repeatable read', async (tx) => {
            await tx`select 1 from tidings.run limit 1`;
            await sql`select tidings.emit('t:later', 'note.made')`;
            await sequenceAll(sql);
            expect(await tx`select head::int, gseq::int from tidings.pin('{42}', '{t:later}', '{null}')`).toEqual([
                { head: 0, gseq },
            ]);
            expect(await tx`select tidings.position('t:later') as position`).toEqual([{ position: `${epoch}:0` }]);
        });
        expect(await sql`select tidings.position('t:later') as position`).toEqual([{ position: `${epoch}:1` }]);
    });

    test('calls a position whose events were dropped not resumable', async () => {
        await sql`select tidings.emit('t:old', 'note.made') from generate_series(1, 3)`;
        await sequenceAll(sql);
        await sql`delete from tidings.event e using tidings.stream s where s.event_id = e.id and s.topic = 't:old' and s.seq <= 2`;
        expect(
            [await pin('t:old', 0), await pin('t:old', 1), await pin('t:old', 2)].map((row) => row?.['resumable']),
        ).toEqual([false, false, true]);
    });
});

describe('the epoch of a topic', () => {
    const positionOf = async (topic: string) =>
        (await sql`select tidings.position(${topic}) as position`)[0]?.['position'];

    test('changes with a floor of its kind, and with one of every kind', async () => {
        const [run] = await sql`select epoch from tidings.run order by run desc limit 1`;
        const epoch = run?.['epoch'];
        await sql`insert into tidings.kind_floor values ('t', 100)`;
        expect([await positionOf('t:silent'), await positionOf('b:silent')]).toEqual([`${epoch}.100:0`, `${epoch}:0`]);
        await sql`insert into tidings.kind_floor values ('*', 200)`;
        expect([await positionOf('t:silent'), await positionOf('b:silent')]).toEqual([
            `${epoch}.200:0`,
            `${epoch}.200:0`,
        ]);
        await sql`delete from tidings.kind_floor`;
    });
});

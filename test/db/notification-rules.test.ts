/** Rules: which writes notify whom, of what, and what happens to the write if that fails. */

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
        create table app.doc (id int primary key, project int, title text, owner text, body text);
        create function app.can_read(u text, id int) returns boolean language sql stable as $$ select u not like 'stranger%' $$;
        grant usage on schema app to tidings_server;
        select tidings.topic_kind('project', 'app.can_read(text, int)');
        select tidings.track('app.doc', entity => 'doc', topic => $$'project:' || r.project$$);
        select tidings.notification_type('doc.owned', title => '{actor} gave you {title}', url => '/d/{id}');
        select tidings.notification_type('doc.changed', title => '{title} changed');
        select tidings.notification_type('doc.gone', title => '{title} is gone')`);
});
afterAll(() => database.close());
beforeEach(async () => {
    await sql`select tidings.remove_notification_rule('app.doc')`;
    await sql`truncate app.doc, tidings.notification, tidings.capture_error, tidings.topic_preference, tidings.preference`;
});

const OWNED = `tidings.notification_rule('app.doc', name => 'owned', type => 'doc.owned',
    condition => $$r.owner is distinct from o.owner$$, users => $$array[r.owner]$$,
    payload => $$jsonb_build_object('id', r.id, 'title', r.title)$$, precedence => 10)`;
const CHANGED = `tidings.notification_rule('app.doc', name => 'changed', type => 'doc.changed', ops => '{update}',
    users => $$array[r.owner, o.owner, 'eve']$$, payload => $$jsonb_build_object('title', r.title)$$)`;

async function told(work: string): Promise<string[]> {
    await sql`truncate tidings.notification`;
    await sql.unsafe(work);
    const rows = await sql<
        { line: string }[]
    >`select n.user_id || ' ' || n.type as line from tidings.notification n order by 1`;
    return rows.map(({ line }) => line);
}

describe('a rule', () => {
    test('tells whom it names, once a row, in the writer’s transaction', async () => {
        await sql.unsafe(`select ${OWNED}`);
        expect(
            await told(`insert into app.doc values (1, 7, 'A', 'ada'), (2, 7, 'B', 'bob'), (3, 7, 'C', null)`),
        ).toEqual(['ada doc.owned', 'bob doc.owned']);
        expect(await told(`start transaction; update app.doc set owner = 'cyd' where id = 1; rollback`)).toEqual([]);
        expect(await told(`update app.doc set owner = 'cyd' where id = 1`)).toEqual(['cyd doc.owned']);
        expect(await told(`update app.doc set title = 'Z' where id = 1`)).toEqual([]);
    });

    test('writes the notification with its event, payload, topic and actor', async () => {
        await sql.unsafe(`select ${OWNED}`);
        await sql.begin(async (tx) => {
            await tx`select set_config('tidings.actor', 'eve', true)`;
            await tx`insert into app.doc values (1, 7, 'A', 'ada')`;
        });
        expect(
            await sql`
                select n.type, n.payload, n.topic, n.actor_id, n.in_app, n.email, e.topic as event_topic, e.event, e.actor_id as event_actor,
                    e.data = jsonb_build_object('id', n.id) as names_it, e.at = n.created_at as same_time
                from tidings.notification n join tidings.event e on e.id = n.event_id`,
        ).toEqual([
            {
                type: 'doc.owned',
                payload: { id: 1, title: 'A' },
                topic: 'project:7',
                actor_id: 'eve',
                in_app: true,
                email: null,
                event_topic: 'user:ada',
                event: 'notification.created',
                event_actor: 'eve',
                names_it: true,
                same_time: true,
            },
        ]);
    });

    test('of higher precedence tells a user alone; others are told by the lower', async () => {
        await sql.unsafe(`select ${CHANGED}, ${OWNED}`);
        await sql`insert into app.doc values (1, 7, 'A', 'ada')`;
        expect(await told(`update app.doc set owner = 'bob' where id = 1`)).toEqual([
            'ada doc.changed',
            'bob doc.owned',
            'eve doc.changed',
        ]);
    });

    test('of the same precedence goes by name', async () => {
        await sql.unsafe(`select tidings.notification_rule('app.doc', name => 'b', type => 'doc.changed', users => $$array['ada']$$),
            tidings.notification_rule('app.doc', name => 'a', type => 'doc.owned', users => $$array['ada']$$)`);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'x')`)).toEqual(['ada doc.owned']);
    });

    test('does not tell whoever acts, unless asked to', async () => {
        await sql.unsafe(`select ${OWNED}`);
        const insert = (id: number) =>
            `select set_config('tidings.actor', 'ada', true); insert into app.doc values (${id}, 7, 'A', 'ada'), (${id + 1}, 7, 'A', 'bob')`;
        expect(await told(insert(1))).toEqual(['bob doc.owned']);
        await sql.unsafe(`select ${OWNED.replace(/\)$/, ', include_actor => true)')}`);
        expect(await told(insert(3))).toEqual(['ada doc.owned', 'bob doc.owned']);
    });

    test('may name the one who acts', async () => {
        await sql.unsafe(`select ${OWNED.replace(/\)$/, `, actor => $$$$'bob'$$$$)`)}`);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada'), (2, 7, 'A', 'bob')`)).toEqual([
            'ada doc.owned',
        ]);
        expect(await sql`select actor_id from tidings.notification`).toEqual([{ actor_id: 'bob' }]);
    });

    test('never tells who may not read the topic', async () => {
        await sql.unsafe(`select ${OWNED}`);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'stranger'), (2, 7, 'B', 'bob')`)).toEqual([
            'bob doc.owned',
        ]);
        await sql.unsafe(`select ${OWNED.replace(/\)$/, `, topic => 'null')`)}`);
        expect(await told(`insert into app.doc values (3, 7, 'A', 'stranger')`)).toEqual(['stranger doc.owned']);
    });

    test('that names null tells nobody, whoever acts and whatever it is about', async () => {
        await sql.unsafe(`select ${OWNED.replace(/\)$/, `, topic => 'null')`)}`);
        await sql`insert into app.doc values (1, 7, 'A', 'ada'), (2, 7, 'B', 'ada')`;
        const update = `update app.doc set owner = case id when 2 then 'bob' end`;
        expect(await told(`select set_config('tidings.actor', 'zed', true); ${update}`)).toEqual(['bob doc.owned']);
        expect(await sql`select message from tidings.capture_error`).toEqual([]);
    });

    test('may tell those who watch the topic too', async () => {
        await sql.unsafe(`select ${OWNED.replace(/\)$/, ', watchers => true)')},
            tidings.set_topic_preference('wyn', 'project:7', 'watch'), tidings.set_topic_preference('xia', 'project:8', 'watch'),
            tidings.set_topic_preference('stranger', 'project:7', 'watch')`);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada')`)).toEqual(['ada doc.owned', 'wyn doc.owned']);
    });

    test('of deletes sees the row that went', async () => {
        await sql.unsafe(`select tidings.notification_rule('app.doc', name => 'gone', type => 'doc.gone', ops => '{delete}',
            users => $$array[r.owner]$$, payload => $$jsonb_build_object('op', op)$$)`);
        await sql`insert into app.doc values (1, 7, 'A', 'ada'), (2, 7, 'A', 'bob')`;
        expect(await told('delete from app.doc')).toEqual(['ada doc.gone', 'bob doc.gone']);
        expect(await sql`select distinct payload from tidings.notification`).toEqual([{ payload: { op: 'DELETE' } }]);
    });

    test('of a bulk statement tells everybody of everything', async () => {
        await sql.unsafe(`select ${OWNED}`);
        const lines = await told(`insert into app.doc select g, 7, 'A', 'u' || g % 50 from generate_series(1, 3000) g`);
        expect(lines).toHaveLength(3000);
        expect(
            await sql`select count(distinct user_id)::int as users, count(distinct event_id)::int as events from tidings.notification`,
        ).toEqual([{ users: 50, events: 3000 }]);
    });

    test('that raises keeps the write, records the error, and resets the inboxes', async () => {
        await sql.unsafe(`select tidings.notification_rule('app.doc', name => 'broken', type => 'doc.owned',
            users => $$array[r.owner]$$, payload => $$jsonb_build_object('n', 1 / r.project)$$)`);
        expect(await told(`insert into app.doc values (1, 0, 'A', 'ada')`)).toEqual([]);
        expect(await sql`select count(*)::int as n from app.doc`).toEqual([{ n: 1 }]);
        expect(await sql`select table_name, tracking, operation, kinds, message from tidings.capture_error`).toEqual([
            {
                table_name: 'app.doc',
                tracking: 'notification_rule',
                operation: 'INSERT',
                kinds: ['user'],
                message: 'division by zero',
            },
        ]);
    });

    test('makes two writers who tell each other’s users in opposite order wait for nobody', async () => {
        await sql.unsafe(`select ${OWNED}`);
        const [one, other] = [await sql.reserve(), await sql.reserve()];
        await one`begin`;
        await other`begin`;
        await one`insert into app.doc values (1, 7, 'A', 'ada')`;
        await other`insert into app.doc values (2, 7, 'A', 'bob')`;
        await one`insert into app.doc values (3, 7, 'A', 'bob')`;
        await other`insert into app.doc values (4, 7, 'A', 'ada')`;
        await one`commit`;
        await other`commit`;
        one.release();
        other.release();
        for (const user of ['ada', 'bob'])
            expect(await sql`select unread::int, unseen::int from tidings.notification_counts(${user})`).toEqual([
                { unread: 2, unseen: 2 },
            ]);
    });
});

describe('declaring a rule', () => {
    test('again changes nothing, and otherwise it replaces', async () => {
        await sql.unsafe(`select ${OWNED}`);
        const triggers = () =>
            sql`select oid, tgname from pg_trigger where tgrelid = 'app.doc'::regclass and tgname ~ 'rules' order by 2`;
        const before = [...(await triggers())];
        await sql.unsafe(`select ${OWNED}`);
        expect([...(await triggers())]).toEqual(before);
        await sql.unsafe(`select ${OWNED.replace('array[r.owner]', "array['zoe']")}`);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada')`)).toEqual(['zoe doc.owned']);
    });

    test('is listed, and can be ended one by one', async () => {
        await sql.unsafe(`select ${OWNED}, ${CHANGED}`);
        expect(
            await sql`select table_name::text, name, type, precedence, disabled from tidings.notification_rules order by name`,
        ).toEqual([
            { table_name: 'app.doc', name: 'changed', type: 'doc.changed', precedence: 0, disabled: false },
            { table_name: 'app.doc', name: 'owned', type: 'doc.owned', precedence: 10, disabled: false },
        ]);
        expect(await sql`select tidings.remove_notification_rule('app.doc', 'owned') as n`).toEqual([{ n: 1 }]);
        expect(await sql`select tidings.remove_notification_rule('app.doc', 'owned') as n`).toEqual([{ n: 0 }]);
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada')`)).toEqual([]);
        expect(await told(`update app.doc set title = 'B'`)).toEqual(['ada doc.changed', 'eve doc.changed']);
    });

    test('leaves trackings alone, and they leave rules alone', async () => {
        await sql.unsafe(`select ${OWNED}`);
        await sql`select tidings.untrack('app.doc')`;
        expect(await told(`insert into app.doc values (1, 7, 'A', 'ada')`)).toEqual(['ada doc.owned']);
        await sql.unsafe(`select tidings.track('app.doc', entity => 'doc', topic => $$'project:' || r.project$$)`);
        expect(await sql`select name from tidings.tracked`).toEqual([{ name: 'doc' }]);
    });

    test.each([
        ['name', OWNED.replace("'owned'", "'No Name'"), `expected name to match [a-z][a-z0-9_]{0,31}, got 'No Name'`],
        [
            'type',
            OWNED.replace("'doc.owned'", "'doc.unheard'"),
            `expected type to be one declared by tidings.notification_type, got 'doc.unheard'`,
        ],
        ['column', OWNED.replace('r.title', 'r.nothing'), 'record "r" has no field "nothing"'],
        ['users', OWNED.replace('array[r.owner]', 'array['), 'mismatched parentheses'],
        [
            'operation',
            OWNED.replace(/\)$/, `, ops => '{truncate}')`),
            'expected ops to be some of insert, update and delete, got {TRUNCATE}',
        ],
    ])('with a wrong %s is refused', async (_, rule, message) => {
        await expect(sql.unsafe(`select ${rule}`)).rejects.toThrow(message);
        expect(await sql`select count(*)::int as n from tidings.notification_rules`).toEqual([{ n: 0 }]);
    });

    test('is for the table’s owner only', async () => {
        await sql.unsafe(`create role rule_stranger; grant tidings_dba to rule_stranger`);
        try {
            await sql.begin(async (tx) => {
                await tx`set local role rule_stranger`;
                await expect(tx.savepoint((inner) => inner.unsafe(`select ${OWNED}`))).rejects.toThrow(
                    'permission denied for schema app',
                );
            });
            await sql`grant usage on schema app to rule_stranger`;
            await sql.begin(async (tx) => {
                await tx`set local role rule_stranger`;
                await expect(tx.savepoint((inner) => inner.unsafe(`select ${OWNED}`))).rejects.toThrow(
                    'expected you to own app.doc, which is needed to declare rules on it',
                );
            });
        } finally {
            await sql.unsafe(
                `revoke all on schema app from rule_stranger; drop owned by rule_stranger; drop role rule_stranger`,
            );
        }
    });
});

describe('tidings.send_notification', () => {
    const send = async (args: string) => (await sql.unsafe(`select tidings.send_notification(${args}) as n`))[0]?.['n'];

    test('tells each user once, and once per key', async () => {
        expect(
            await send(`'{ada,bob,ada}', 'doc.owned', '{"id":"9"}', topic => 'project:17', dedupe_key => 'k1'`),
        ).toBe(2);
        expect(await send(`'{ada,bob}', 'doc.owned', dedupe_key => 'k1'`)).toBe(0);
        expect(await send(`'{}', 'doc.owned'`)).toBe(0);
        expect(await send(`'{stranger,ada}', 'doc.owned', topic => 'project:17'`)).toBe(1);
        expect(await send(`'{ada}', 'doc.owned', topic => 'unheard:17'`)).toBe(0);
    });

    test.each([
        [`'{"a b"}', 'doc.owned'`, `expected a user to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got 'a b'`],
        [`'{ada}', 'Doc Owned'`, `expected type to be a name like task.assigned, got 'Doc Owned'`],
        [`'{ada}', 'doc.owned', '[1]'`, 'expected payload to be a JSON object, got [1]'],
        [
            `'{ada}', 'doc.owned', topic => 'tidings:access'`,
            `expected topic to be <kind>:<id> of a kind other than tidings, got 'tidings:access'`,
        ],
    ])('refuses %s', async (args, message) => {
        await expect(send(args)).rejects.toThrow(message);
    });
});

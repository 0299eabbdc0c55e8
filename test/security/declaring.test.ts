/** Who may declare, and what a declaration may hold: names are names, an expression is one expression, and nothing of it runs with anyone else's rights. */

import type { Sql, TransactionSql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appended } from '../db/log-reader.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;
/** Owns the tables, a member of tidings_dba; what the contract's page of SQL is run as. */
let owner: string;
/** A member of tidings_dba who owns nothing here. */
let dba: string;
/** May use the schema and read the table, no more. */
let stranger: string;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    [owner, dba, stranger] = ['owner', 'dba', 'stranger'].map((name) => `${database.name}_${name}`) as [
        string,
        string,
        string,
    ];
    await sql.unsafe(`
        create role ${owner}; create role ${dba}; create role ${stranger};
        grant tidings_dba to ${owner}, ${dba};
        create schema app authorization ${owner}; grant usage on schema app to public;
        create schema vault; create table vault.gold (word text); insert into vault.gold values ('xyzzy');
        create table app.foreign_to_all (id int primary key);
        set role ${owner};
        create table app.doc (id int primary key, project int, title text);
        create view app.docs as select * from app.doc;
        create materialized view app.kept as select * from app.doc;
        create function app.can_read(text, text) returns boolean language sql return true;
        grant execute on function app.can_read(text, text) to tidings_server; grant usage on schema app to tidings_server;
        create view app.people as select 1::text as id, ''::text as email, ''::text as name, ''::text as time_zone, ''::text as locale;
        grant select on app.people to tidings_server; grant select on app.doc to public; grant trigger on app.doc to ${dba};
        select tidings.topic_kind('project', 'app.can_read(text, text)');
        select tidings.notification_type('doc.owned', title => 'T');
        reset role`);
});

afterAll(async () => {
    for (const role of [owner, dba, stranger]) await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await database.close();
});

const DECLARE: Readonly<Record<string, string>> = {
    track: `tidings.track('app.doc', topic => $$'project:' || r.project$$)`,
    untrack: `tidings.untrack('app.doc')`,
    rule: `tidings.notification_rule('app.doc', name => 'n', type => 'doc.owned', topic => 'null', users => 'array[r.title]')`,
    endRule: `tidings.remove_notification_rule('app.doc')`,
};
const NEEDED: Readonly<Record<string, string>> = {
    track: 'track it',
    untrack: 'untrack it',
    rule: 'declare rules on it',
    endRule: 'end its rules',
};
const ENGINE: Readonly<Record<string, string>> = {
    topic_kind: `tidings.topic_kind('project', 'app.can_read(text, text)')`,
    people: `tidings.people('app.people')`,
    notification_type: `tidings.notification_type('doc.owned', title => 'T')`,
    emit: `tidings.emit('project:17', 'sprint.closed')`,
    send_notification: `tidings.send_notification('{42}', 'doc.owned')`,
    access_changed: `tidings.access_changed('42', 'project:17')`,
    disconnect: `tidings.disconnect('42')`,
    forget: `tidings.forget('42', '{}')`,
    suppress: `tidings.suppress('a@b.example', 'asked')`,
    new_epoch: 'tidings.new_epoch()',
};

/** One statement as a role; undone unless it raises. */
async function as(role: string, statement: string): Promise<void> {
    const undo = new Error('undone');
    await inRole(role, async (tx) => {
        await tx.unsafe(statement);
        throw undo;
    }).catch((error: unknown) => {
        if (error !== undo) throw error;
    });
}

const inRole = (role: string, work: (tx: TransactionSql) => Promise<unknown>) =>
    sql.begin(async (tx) => {
        await tx.unsafe(`set local session authorization ${role}`);
        await work(tx);
    });

describe('who may', () => {
    test.each(Object.entries(DECLARE))('%s: the owner of the table', async (verb, call) => {
        await as(owner, `select ${call}`);
        await expect(as(dba, `select ${call}`)).rejects.toMatchObject({
            code: '42501',
            message: `expected you to own app.doc, which is needed to ${NEEDED[verb]}`,
        });
        for (const other of [stranger, 'tidings_server', 'tidings_reader']) {
            await expect(as(other, `select ${call}`)).rejects.toMatchObject({ code: '42501' });
        }
    });

    test.each(Object.entries(ENGINE))('%s: members of tidings_dba', async (verb, call) => {
        await as(owner, `select ${call}`);
        await as(dba, `select ${call}`);
        await expect(as(stranger, `select ${call}`)).rejects.toMatchObject({ code: '42501' });
        await expect(as('tidings_reader', `select ${call}`)).rejects.toMatchObject({ code: '42501' });
        const servers = ['emit', 'send_notification', 'access_changed', 'disconnect', 'forget', 'suppress'].includes(
            verb,
        );
        const server = as('tidings_server', `select ${call}`);
        await (servers ? server : expect(server).rejects.toMatchObject({ code: '42501' }));
    });

    test('a member of tidings_dba names as policy or as people only what the server could use anyway', async () => {
        await sql.unsafe(`
            create function vault.open(text, text) returns boolean language sql security definer return true;
            revoke all on function vault.open(text, text) from public;
            create view vault.people as select word as id, word as email, word as name, word as time_zone, word as locale from vault.gold`);
        for (const call of [
            `tidings.topic_kind('vault', 'vault.open(text, text)')`,
            `tidings.people('vault.people')`,
        ]) {
            await expect(as(dba, `select ${call}`)).rejects.toMatchObject({ code: '42501' });
            await expect(sql.unsafe(`select ${call}`)).rejects.toMatchObject({ code: '42501' });
        }
    });
});

describe('a table that', () => {
    test.each([
        ['is a view', 'app.docs', '42809'],
        ['is a materialized view', 'app.kept', '42809'],
        ['is an index', 'app.doc_pkey', '42809'],
        ['is the catalogue’s', 'pg_catalog.pg_class', '42501'],
        ['is the log itself', 'tidings.event', '42809'],
        ['is the inbox itself', 'tidings.notification', '42809'],
        ['is not there', 'app.none', '42P01'],
    ])('%s is refused, to a superuser, too', async (_, table, code) => {
        await expect(
            sql`select tidings.track(${table}, topic => 'null', data => '''{}''', ops => '{insert}')`,
        ).rejects.toMatchObject({ code });
        await expect(
            sql.unsafe(
                `select tidings.notification_rule('${table}', name => 'n', type => 'doc.owned', topic => 'null', users => 'array[1]', ops => '{insert}')`,
            ),
        ).rejects.toMatchObject({ code });
    });

    test('is foreign is refused', async () => {
        await sql.unsafe(`create foreign data wrapper w; create server s foreign data wrapper w;
            create foreign table app.far (id int) server s`);
        await expect(
            sql`select tidings.track('app.far', topic => 'null', data => 'null', ops => '{insert}')`,
        ).rejects.toMatchObject({ code: '42809' });
        await sql`drop foreign data wrapper w cascade`;
    });

    test('belongs to somebody else is refused to every owner of something', async () => {
        await expect(as(owner, `select tidings.track('app.foreign_to_all', topic => 'null')`)).rejects.toMatchObject({
            code: '42501',
        });
    });
});

const BREAKOUTS = [
    `1); drop table app.doc; select (2`,
    `'{}'); drop table app.doc; "$data" := ('{}'`,
    `'a:1')); perform pg_sleep(60); "$topics" := tidings.as_topics(('b:2'`,
    `'a:1'))]; drop table app.doc; perform array[(('b:2'`,
    `'a:1'; drop table app.doc; --`,
    `'a:1'; drop table app.doc`,
    `null) from pg_sleep(60) where (true`,
    `null) union all select (word) from vault.gold where (true`,
    `$$a:1$$); drop table app.doc; --$$`,
    `'a:1' /*`,
    `*/ 'a:1'`,
    `'a:1`,
    `"a:1`,
    `((('a:1')`,
    `'a:1'))))`,
    `null\n); raise exception 'mine'; "$event" := (null`,
    `null) into stolen from vault.gold where (true`,
    `end; drop table app.doc; begin`,
    `'a'::text; commit; drop table app.doc; select 'b'`,
    `U&"\\0061`,
];

type Field = readonly [name: string, call: (text: string) => string];

const trackWith = (field: string) => (text: string) => {
    const topic = field === 'topic' ? '' : `, topic => $q$'project:' || r.project$q$`;
    return `tidings.track('app.doc'${topic}, ${field} => $q$${text}$q$)`;
};
const ruleWith = (field: string) => (text: string) => {
    const given: Record<string, string> = { topic: 'null', users: 'array[r.title]', [field]: text };
    const fields = Object.entries(given).map(([name, value]) => `${name} => $q$${value}$q$`);
    return `tidings.notification_rule('app.doc', name => 'n', type => 'doc.owned', ${fields.join(', ')})`;
};
const EXPRESSIONS: readonly Field[] = [
    ...['topic', 'event', 'data'].map((field) => [`track ${field}`, trackWith(field)] as const),
    ...['condition', 'users', 'payload', 'topic', 'group_key', 'actor'].map(
        (field) => [`rule ${field}`, ruleWith(field)] as const,
    ),
];

test.each(EXPRESSIONS)(
    '%s: what is more than one expression, or less, is refused, and nothing of it has run',
    async (_, callWith) => {
        const accepted: string[] = [];
        const startedMs = performance.now();
        for (const text of BREAKOUTS) {
            // As the superuser: it is no lack of rights that holds it back.
            const code = await sql.unsafe(`select ${callWith(text)}`).then(
                () => 'accepted',
                (error: { code: string }) => error.code,
            );
            if (!/^42(601|704|883)$/.test(code)) accepted.push(`${code}: ${text}`);
        }
        expect(accepted).toEqual([]);
        // None of those that sleep a minute has slept.
        expect(performance.now() - startedMs).toBeLessThan(15_000);
        const rows = await sql`select to_regclass('app.doc') is not null as there,
        (select count(*)::int from pg_trigger where tgrelid = to_regclass('app.doc')) as triggers`;
        expect(rows).toEqual([{ there: true, triggers: 0 }]);
    },
);

describe('an expression', () => {
    test('that reads what its owner may not is refused when declared, and read as the owner when it runs', async () => {
        const reads = trackWith('topic')(`(select 'a:' || word from vault.gold)`);
        await expect(as(owner, `select ${reads}`)).rejects.toMatchObject({ code: '42501' });
        // Declared by one who may, it still has no more rights than the owner: the write goes on, and the failure is recorded.
        await sql.unsafe(`select ${reads}`);
        expect(await appended(sql, () => sql`insert into app.doc values (1, 1, 'x')`)).toEqual([]);
        const errors = await sql`select sqlstate, message from tidings.capture_error`;
        expect(errors).toEqual([{ sqlstate: '42501', message: 'permission denied for schema vault' }]);
        await sql`select tidings.untrack('app.doc')`;
        await sql`delete from app.doc`;
    });

    test('that yields many rows or several columns is refused', async () => {
        for (const text of [`generate_series(1, 3)::text`, `(select 'a', 'b')`, `unnest('{a:1,b:2}'::text[])`]) {
            await expect(as(owner, `select ${trackWith('topic')(text)}`)).rejects.toMatchObject({
                code: expect.stringMatching(/^(21000|42601)$/),
            });
        }
    });

    test('may end in a comment, hold any quotes and brackets in its texts, and a query of its own', async () => {
        await sql.unsafe(`select tidings.track('app.doc', topic => $q$select 'project:' || r.project -- ) "$topics" := ('a'$q$,
            event => $q$case when r.title <> '); drop table app.doc; --' then 'doc.made' end /* ) */$q$,
            data => $q$jsonb_build_object('t', r.title, 'x', $$'); x ($$)$q$)`);
        const hostile = `'); drop table app.doc; -- $$ $q$ \\ "`;
        const [event] = await appended(sql, () => sql`insert into app.doc values (2, 7, ${hostile})`);
        expect(event).toMatchObject({ topic: 'project:7', event: 'doc.made', data: { t: hostile, x: `'); x (` } });
        await sql`select tidings.untrack('app.doc')`;
        await sql`delete from app.doc`;
    });
});

const HOSTILE_NAMES = [
    `'; drop table app.doc; --`,
    `a"b`,
    `$$`,
    `Ünï`,
    'x'.repeat(64),
    'a b',
    '',
    `n); select (1`,
    `tidings.x`,
    'A',
    '1a',
    `a\nb`,
];

describe('a name', () => {
    test.each(HOSTILE_NAMES)('%j is refused as name, entity, kind and type', async (name) => {
        const refused = expect.stringMatching(/^(22023|42601)$/);
        const calls = [
            sql`select tidings.track('app.doc', topic => 'null', name => ${name})`,
            sql`select tidings.track('app.doc', topic => 'null', entity => ${name === 'x'.repeat(64) ? 'x'.repeat(65) : name})`,
            sql`select tidings.topic_kind(${name}, 'app.can_read(text, text)')`,
            sql`select tidings.notification_rule('app.doc', name => ${name}, type => 'doc.owned', users => 'array[1]', topic => 'null')`,
        ];
        for (const call of calls) await expect(call).rejects.toMatchObject({ code: refused });
        if (!/^(x+|tidings.x)$/.test(name))
            await expect(sql`select tidings.notification_type(${name}, title => 'T')`).rejects.toMatchObject({
                code: refused,
            });
        if (!/^(x+|1a|A|tidings.x)$/.test(name))
            await expect(sql`select tidings.emit(${`p:${name}`}, 'a.b')`).rejects.toMatchObject({ code: refused });
        for (const field of ['columns', 'ignore', 'redact']) {
            const call = sql.unsafe(`select tidings.track('app.doc', topic => 'null', ${field} => $1)`, [[name]]);
            await expect(call).rejects.toMatchObject({ code: '42703' });
        }
    });

    test.each([
        `';drop table app.doc;--`,
        `do"c`,
        `$$`,
        `Ünïcødé ✓`,
        'x'.repeat(63),
        `%I %s %L`,
        `r`,
        `tidings$new`,
        `a\nb`,
    ])('a table, its schema, its column and its owner may be called %j', async (name) => {
        const q = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const odd = q(`${name}`.slice(0, 50) + database.name.slice(-12));
        await sql.unsafe(`
                create role ${odd}; grant tidings_dba to ${odd}; create schema ${q(name)} authorization ${odd};
                create table ${q(name)}.${q(name)} (${q(name)} int primary key, v text);
                alter table ${q(name)}.${q(name)} owner to ${odd}`);
        const target = `${q(name)}.${q(name)}`;
        await sql`select tidings.track(${target}, entity => 'doc', topic => ${`'project:' || r.${q(name)}`}, redact => array['v'])`;
        await sql`select tidings.notification_rule(${target}, name => 'n', type => 'doc.owned', topic => 'null', users => ${`array['42']`}, payload => ${`jsonb_build_object('id', r.${q(name)})`})`;
        const events = await appended(sql, () =>
            sql.unsafe(`insert into ${target} values (7, 'hush'); update ${target} set v = 'x'; delete from ${target}`),
        );
        expect(events.map(({ topic, event }) => `${topic} ${event}`)).toEqual([
            'project:7 doc.created',
            'user:42 notification.created',
            'project:7 doc.updated',
            'user:42 notification.created',
            'project:7 doc.deleted',
        ]);
        expect(JSON.stringify(events)).not.toContain('hush');
        expect(
            await sql`select * from tidings.capture_error where at > now() - interval '1 second' and sqlstate <> '42501'`,
        ).toEqual([]);
        expect(await sql`select tidings.untrack(${target}) as n`).toEqual([{ n: 1 }]);
        expect(await sql`select tidings.remove_notification_rule(${target}) as n`).toEqual([{ n: 1 }]);
        await sql.unsafe(`drop owned by ${odd} cascade; drop role ${odd}`);
    });
});

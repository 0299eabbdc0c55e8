/** Every definer function, called by whoever may, with what the caller planted in the way of every name: nothing planted is run as the engine. */

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { plant, timesCaught } from './planted-spy.ts';

let database: TestDatabase;
let attacker: Sql;
let role: string;

beforeAll(async () => {
    database = await openDatabase();
    role = `${database.name}_mallory`;
    await database.sql.unsafe(`
        create role ${role}; grant tidings_dba, tidings_server, tidings_reader to ${role};
        grant create on schema public to ${role}; grant temporary on database ${database.name} to ${role};
        create schema app authorization ${role}; grant usage on schema app to tidings_server;
        create function app.can_read(text, text) returns boolean language sql return true;
        create view app.people as select '42'::text as id, null::text as email, null::text as name, null::text as time_zone, null::text as locale;
        grant select on app.people to tidings_server;
        -- The control: what is forgotten in it is what this test is about.
        set role tidings_owner;
        create function tidings.careless(topic text) returns text language plpgsql security definer as $$ begin return lower(topic) || 'x'; end $$;
        reset role;
        select tidings.emit('project:17', 'sprint.closed');
        insert into tidings.notification_types values ('doc.owned');
        select tidings.send_notification('{42}', 'doc.owned')`);
    attacker = postgres(database.url, { max: 1, onnotice: () => {} });
    await attacker.unsafe(`set role ${role}`);
});

afterAll(async () => {
    await attacker.end({ timeout: 1 });
    await database.sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await database.close();
});

/** What an argument of this name, else of this type, is given; each in its own type, so that only the body looks names up. */
const BY_NAME: Readonly<Record<string, string>> = {
    topic: `'project:17'`,
    topics: `'{project:17}'`,
    event: `'sprint.closed'`,
    events: `'{sprint.closed}'`,
    user_id: `'42'`,
    users: `'{42}'`,
    told: `'{}'`,
    kind: `'sprint'`,
    kinds: `'{sprint}'`,
    can_read: `'app.can_read(pg_catalog.text, pg_catalog.text)'`,
    title: `'T'`,
    until: `'2999-01-01'`,
    relation: `'app.people'`,
    type: `'doc.owned'`,
    types: `'{doc.owned}'`,
    places: `'{1}'`,
    payloads: `'{"{}"}'`,
    data: `'{"{}"}'`,
    actors: `'{43}'`,
    group_keys: `'{g}'`,
    address: `'a@b.example'`,
    reason: `'revoked'`,
    locale: `'de'`,
    cadence: `'daily'`,
    channel: `'email'`,
    value: `'daily'`,
    mode: `'mute'`,
    what: `'read'`,
    outcome: `'sent'`,
    time_zone: `'UTC'`,
    preferences: `'{}'`,
    periods: `'{2026-11-23}'`,
    dues: `'{2026-11-23}'`,
    critical_only: `'{f}'`,
    max_rows: '10',
    digest_hour: '8',
    digest_weekday: '1',
    days_ahead: '1',
    as_of: 'null',
    before: 'null',
    lease: `'1 minute'`,
    dedupe_key: 'null',
};
const BY_TYPE: Readonly<Record<string, string>> = {
    text: `'x'`,
    'text[]': `'{}'`,
    jsonb: `'{}'`,
    boolean: 'true',
    integer: '1',
    bigint: '1',
    uuid: `'00000000-0000-4000-8000-000000000001'`,
    'uuid[]': `'{00000000-0000-4000-8000-000000000001}'`,
    'timestamp with time zone': `'2026-11-23'`,
    interval: `'1 minute'`,
};

type Definer = { readonly name: string; readonly names: readonly string[]; readonly types: readonly string[] };

function callOf({ name, names, types }: Definer): string {
    const values = types.map((type, n) => {
        const name = names[n] ?? '';
        const special = { jsonb: `'{}'`, regprocedure: name === 'title' ? 'null' : undefined }[type];
        return `cast(${special ?? BY_NAME[name] ?? BY_TYPE[type] ?? 'null'} as ${qualified(type)})`;
    });
    return `select tidings.${name}(${values.join(', ')})`;
}

/** A type's name that nothing planted can stand for. */
function qualified(type: string): string {
    const internal: Readonly<Record<string, string>> = {
        'timestamp with time zone': 'timestamptz',
        'timestamp with time zone[]': 'timestamptz[]',
        'time without time zone': 'time',
        integer: 'int4',
        'integer[]': 'int4[]',
        bigint: 'int8',
        'bigint[]': 'int8[]',
        boolean: 'bool',
        'boolean[]': 'bool[]',
    };
    return `pg_catalog.${internal[type] ?? type}`;
}

test('nothing planted is run by a definer function, but by one that forgot its search path', async () => {
    const definers = await database.sql<Definer[]>`
        select p.proname as name, coalesce(p.proargnames, '{}') as names,
            array(select format_type(t, null) from unnest(p.proargtypes::oid[]) with ordinality a (t, n) order by n) as types
        from pg_proc p
        where p.pronamespace = 'tidings'::regnamespace and p.prosecdef and p.proname <> 'careless'
            and has_function_privilege(${role}, p.oid, 'execute')
        order by 1`;
    const planted = await plant(attacker, role);
    const raised: string[] = [];
    const caught: string[] = [];
    for (const definer of definers) {
        const before = await timesCaught(attacker);
        await attacker
            .unsafe(callOf(definer))
            .catch((error: Error) => raised.push(`${definer.name}: ${error.message}`));
        if ((await timesCaught(attacker)) > before) caught.push(definer.name);
    }
    expect({ caught, raised }).toEqual({ caught: [], raised: [] });
    expect(planted).toBeGreaterThan(250);
    expect(definers.length).toBeGreaterThan(35);
    await database.sql`grant execute on function tidings.careless(text) to ${database.sql(role)}`;
    await attacker.unsafe(`select tidings.careless('A')`).catch(() => undefined);
    expect(await timesCaught(attacker)).toBeGreaterThan(0);
});

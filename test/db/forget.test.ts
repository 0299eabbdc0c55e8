/** Erasing a person: nothing of theirs is left, everything of others is, and nobody who reads along notices. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { sequenceAll, streamLines } from './log-reader.ts';

const ADA = 'auth0|ada';
const BOB = 'auth0|bob';
const NAME = 'Ada "Ahl" Ahlgren';
const MAIL = 'ada+50%@example.com';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema app;
        create table app.someone (id text primary key, name text, email text, phone text);
        create table app.task (id bigint primary key, title text, assignee_id text references app.someone (id));
        create view app.people as select id, email, name, null as time_zone, null as locale from app.someone;
        create function app.can_read(user_id text, id text) returns boolean language sql stable return true;
        grant usage on schema app to tidings_server;
        grant select on app.people to tidings_server;
        select tidings.people('app.people'), tidings.topic_kind('project', 'app.can_read(text, text)'),
            tidings.track('app.task', entity => 'task', topic => $$'project:1'$$),
            tidings.track('app.someone', entity => 'person', topic => $$'project:1'$$);`);
});
afterAll(() => database.close());

beforeEach(async () => {
    await sql`truncate app.someone cascade`;
    await sql`insert into app.someone values (${ADA}, ${NAME}, ${MAIL}, '0123'), (${BOB}, 'Bob', 'bob@example.com', '9')`;
});

type Counts = Readonly<Record<'events' | 'notifications' | 'mentions' | 'choices' | 'keys', number>>;

async function forget(id = ADA, names: readonly string[] | null = null, by: Sql = sql): Promise<Counts> {
    const [row] = await by<{ counts: Counts }[]>`
        select tidings.forget(${id}, ${names === null ? null : sql.array([...names])}::text[]) as counts`;
    if (row === undefined) throw new Error('expected an answer, got none');
    return row.counts;
}

const about = (data: object) => JSON.stringify(data);

/** What happens of a person, with their name wherever somebody may put it; more of it each time. */
async function leadALife(id: string, name: string, mail: string): Promise<void> {
    await sql.begin(async (tx) => {
        await tx`select set_config('tidings.actor', ${id}, true), set_config('tidings.request_id', 'request-of-theirs', true)`;
        await tx`insert into app.task values (${id.length}, ${`${name} did\n${name}’s work`}, ${id})`;
        await tx`select tidings.emit('project:1', 'note.made', ${about({ by: [id, { deep: mail }], [id]: 1, text: `ask\n${name}, or ${id}.` })}::text::jsonb,
            dedupe_key => ${`note-${id}`})`;
        await tx`select tidings.send_notification(array[${BOB}, ${id}], 'note.made', ${about({ by: id, text: `${name} wrote: Hello` })}::text::jsonb,
            group_key => ${`by:${id}`}, dedupe_key => ${`sent:${id}:1`})`;
    });
    await sql`update app.task set title = 'another', assignee_id = ${BOB} where id = ${id.length}`;
    await sql`update app.someone set phone = '01234' where id = ${id}`;
    await sql`delete from app.task where id = ${id.length}`;
    await sql`select tidings.send_notification(array[${id}], 'note.made', '{"of": "bob"}', actor => ${BOB})`;
    await sql`select tidings.access_changed(${id}, 'project:1'), tidings.disconnect(${id})`;
    await sql`select tidings.set_preference(${id}, '*', 'email', 'weekly')`;
    await sql`select tidings.freeze_digests(array[${id}], '{daily}', '{2026-01-10}', '{infinity}', '{false}', 'daily', now()), tidings.suppress(${mail}, ${`${mail} bounced`})`;
    await sql`insert into tidings.schedule (user_id, time_zone) values (${id}, 'Europe/Vienna') on conflict do nothing`;
    await sql`insert into tidings.topic_preference values (${id}, 'project:1', 'watch'), (${BOB}, ${`user:${id}`}, 'mute') on conflict do nothing`;
    await sql`insert into tidings.idempotency (user_id, key, fingerprint, answer)
        values (${id}, 'k', '', '{}'), (${BOB}, ${`k${id.length}`}, '', ${about({ body: about({ assigneeId: id }) })}::text::jsonb)
        on conflict do nothing`;
    await sql`select tidings.capture_failed('app.task', 'task', 'INSERT', array[${`user:${id}`}], null, '22012', ${`cannot do it for ${name}`}, ${about({ assignee_id: id })}::text::jsonb)`;
}

/** Columns of the engine's tables in which a text occurs, as `table.column`. */
async function placesOf(...texts: string[]): Promise<string[]> {
    const columns = await sql<{ place: string; table: string; column: string }[]>`
        select c.relname || '.' || a.attname as place, c.relname as table, a.attname as column
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'tidings'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`;
    const found: string[] = [];
    for (const { place, table, column } of columns) {
        const [row] = await sql`
            select exists (
                select from tidings.${sql(table)} t cross join unnest(${sql.array(texts)}::text[]) u
                where strpos(t.${sql(column)}::text, u) > 0 or strpos(t.${sql(column)}::text, substr(to_json(u)::text, 2, length(to_json(u)::text) - 2)) > 0
            ) as found`;
        if (row?.['found']) found.push(place);
    }
    return found;
}

/** Everything in the log in order, without what differs from run to run. */
async function log(after = 0) {
    return [
        ...(await sql`
            select s.topic, s.seq::int, e.event, e.actor_id, e.data, e.request_id
            from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at
            where s.gseq > ${after} and s.topic not like 'tidings:%' order by s.gseq`),
    ];
}

async function head(): Promise<number> {
    const [row] = await sql`select coalesce(max(gseq), 0)::int as gseq from tidings.stream`;
    return row?.['gseq'];
}

/** Holes and doubles in any numbering. */
async function faults() {
    return [
        ...(await sql`
            select s.topic, s.seq, s.gseq from (
                select s.*, lag(s.seq, 1, 0::bigint) over (partition by s.topic order by s.gseq) as before,
                    lag(s.gseq, 1, 0::bigint) over (order by s.gseq) as gbefore
                from tidings.stream s
            ) s where s.seq <> s.before + 1 or s.gseq <> s.gbefore + 1`),
        ...(await sql`select e.topic, s.topic from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at where e.topic <> s.topic`),
    ];
}

async function epochOf(topic: string): Promise<string> {
    const [row] = await sql<{ position: string }[]>`select tidings.position(${topic}) as position`;
    return row?.position.split(':')[0] ?? '';
}

describe('forget', () => {
    test('leaves the id, the names and the address of a person in no column', async () => {
        await leadALife(ADA, NAME, MAIL);
        await sequenceAll(sql);
        await sql`select tidings.flush_heads()`;
        // Numbered, and not numbered yet.
        await leadALife(ADA, NAME, MAIL);
        const places = [
            ...[
                'capture_error.message',
                'capture_error.sample',
                'capture_error.topics',
                'dedupe.key',
                'digest.user_id',
            ],
            ...['event.actor_id', 'event.data', 'event.topic', 'idempotency.answer', 'idempotency.user_id'],
            ...['notification.actor_id', 'notification.group_key', 'notification.payload', 'notification.user_id'],
            ...['preference.user_id', 'schedule.user_id', 'stream.topic', 'suppression.address', 'suppression.reason'],
            'topic_head.topic',
            ...['topic_preference.topic', 'topic_preference.user_id'],
        ];
        expect(await placesOf(ADA, NAME, MAIL)).toEqual(places);
        expect(await forget()).toEqual({
            events: expect.any(Number),
            notifications: 3,
            mentions: 1,
            choices: 4,
            keys: 4,
        });
        expect(await placesOf(ADA, NAME, MAIL, 'request-of-theirs')).toEqual([]);
        await sequenceAll(sql);
        await sql`select tidings.flush_heads()`;
        expect(await placesOf(ADA, NAME, MAIL, 'request-of-theirs')).toEqual([]);
        expect(await faults()).toEqual([]);
    });

    test('empties what was told of their own row, and takes their names out of what was told to others', async () => {
        const from = await head();
        await leadALife(ADA, NAME, MAIL);
        await sequenceAll(sql);
        await forget();
        const told = (await log(from)).filter(({ topic }) => topic === 'project:1');
        expect(told.map(({ event, actor_id, data }) => [event, actor_id, data])).toEqual([
            ['person.created', null, {}],
            ['person.created', null, { id: BOB, name: 'Bob', email: 'bob@example.com', phone: '9' }],
            ['task.created', null, { id: '9', title: '… did\n…’s work', assigneeId: null }],
            ['note.made', null, { by: [null, { deep: null }], '…': 1, text: 'ask\n…, or ….' }],
            ['task.updated', null, { id: '9', assigneeId: BOB, changes: { title: 'another', assigneeId: BOB } }],
            ['person.updated', null, {}],
            ['task.deleted', null, { id: '9', assigneeId: BOB }],
        ]);
        const payloads =
            await sql`select user_id, actor_id, payload, group_key from tidings.notification where payload ? 'text'`;
        for (const row of payloads) {
            expect(row).toEqual({
                user_id: BOB,
                actor_id: null,
                payload: { by: null, text: '… wrote: Hello' },
                group_key: 'by:…',
            });
        }
    });

    test('takes the id out of lists and field names, too, and names only where they are words of their own', async () => {
        await sql`select tidings.emit('project:1', 'note.made', ${about({ ids: [ADA, BOB], [ADA]: 1, text: `${MAIL}.`, not: `x${MAIL}` })}::text::jsonb)`;
        await sequenceAll(sql);
        await forget();
        expect((await log()).at(-1)).toMatchObject({
            data: { ids: [null, BOB], '…': 1, text: '….', not: `x${MAIL}` },
        });
    });

    test('touches nothing of anybody else', async () => {
        await leadALife(BOB, 'Bob', 'bob@example.com');
        await sequenceAll(sql);
        const all = async () => ({
            log: (await log()).filter(({ data }) => !JSON.stringify(data).includes('ada')),
            inbox: [...(await sql`select * from tidings.notification where user_id = ${BOB} order by id`)],
            choices: [...(await sql`select * from tidings.preference order by 1, 2, 3`)],
            floors: [...(await sql`select * from tidings.topic_head where topic like '%bob'`)],
            keys: [...(await sql`select * from tidings.dedupe where key like '%bob%' order by 1`)],
            answers: [...(await sql`select * from tidings.idempotency where user_id = ${BOB} order by 1, 2`)],
            epochs: [await epochOf(`user:${BOB}`), await epochOf('project:1')],
        });
        await forget();
        const before = await all();
        await sql`select tidings.set_preference(${ADA}, '*', 'email', 'off')`;
        await sql`select tidings.send_notification(array[${ADA}], 'note.made')`;
        expect(await forget()).toMatchObject({ notifications: 1, choices: 1, mentions: 0 });
        expect(await all()).toEqual(before);
    });

    test('keeps every number, and begins theirs anew under another epoch', async () => {
        await sql`select tidings.emit(${`user:${ADA}`}, 'note.made') from generate_series(1, 5)`;
        await sequenceAll(sql);
        await sql`select tidings.flush_heads()`;
        const before = await epochOf(`user:${ADA}`);
        await forget();
        expect(await epochOf(`user:${ADA}`)).not.toBe(before);
        const from = await head();
        await sql`select tidings.emit('project:1', 'note.made'), tidings.emit(${`user:${ADA}`}, 'note.made') from generate_series(1, 2)`;
        await sequenceAll(sql);
        await sql`select tidings.flush_heads()`;
        expect((await streamLines(sql, from)).filter((line) => line.startsWith('user:'))).toEqual([
            `user:${ADA} 1 note.made`,
            `user:${ADA} 2 note.made`,
        ]);
        expect(await faults()).toEqual([]);
        // Forgotten again, the numbers of then do not meet those of before.
        const second = await epochOf(`user:${ADA}`);
        await forget();
        await sequenceAll(sql);
        expect([before, second]).not.toContain(await epochOf(`user:${ADA}`));
        expect(await faults()).toEqual([]);
    });

    test('is idempotent, and of somebody unknown does nothing', async () => {
        await leadALife(ADA, NAME, MAIL);
        await forget();
        const nothing = { events: 0, notifications: 0, mentions: 0, choices: 0, keys: 0 };
        expect(await forget()).toEqual(nothing);
        expect(await forget('auth0|nobody')).toEqual(nothing);
    });

    test('takes the names it is given where the row is gone', async () => {
        await leadALife(ADA, NAME, MAIL);
        await sql`delete from app.someone where id = ${ADA}`;
        await forget(ADA, [NAME, MAIL, '']);
        expect(await placesOf(ADA, NAME)).toEqual([]);
    });

    test('of an id that is a number goes by the fields that refer to people', async () => {
        await sequenceAll(sql);
        const from = await head();
        await sql`insert into app.someone values ('42', 'Forty', 'f@example.com', ''), ('142', 'More', 'm@example.com', '')`;
        await sql`insert into app.task values (42, '42 things', '42'), (142, '142 things', '142')`;
        await sql`select tidings.emit('project:42', 'note.made', '{"assigneeId": 42, "count": 42, "deep": [{"assigneeId": "42"}]}')`;
        await sql`select tidings.emit('project:42', 'note.made', '{"n": 42}', dedupe_key => 'sprint-42')`;
        await sequenceAll(sql);
        await forget('42');
        const told = (await log(from)).map(({ event, data }) => [event, data]);
        expect(told).toEqual([
            ['person.created', {}],
            ['person.created', { id: '142', name: 'More', email: 'm@example.com', phone: '' }],
            ['task.created', { id: '42', title: '42 things', assigneeId: null }],
            ['task.created', { id: '142', title: '142 things', assigneeId: '142' }],
            ['note.made', { assigneeId: null, count: 42, deep: [{ assigneeId: null }] }],
            ['note.made', { n: 42 }],
        ]);
        expect(await sql`select key from tidings.dedupe where key like '%sprint-42'`).toHaveLength(1);
    });

    test('of names that could be read as JSON leaves it whole', async () => {
        const from = await head();
        await sql`select tidings.emit('project:1', 'note.made', '{"a": [true, false, 12, -5, null], "b": {"c": 1.5}, "d": "true, false", "e": ", "}')`;
        await sequenceAll(sql);
        await forget(ADA, ['true', 'null', '12', '-5', '1.5', 'true, false', ', ', '": ', '}', '\\', '(', '"', '%_']);
        expect((await log(from)).filter(({ event }) => event === 'note.made').map(({ data }) => data)).toEqual([
            { a: [true, false, 12, -5, null], b: { c: 1.5 }, d: 'true, false', e: ', ' },
        ]);
    });

    test('of an id of digits and dashes goes by the whole of it', async () => {
        const id = '00000000-0000-4000-8000-000000000101';
        await sql`select tidings.emit('project:1', 'note.made', ${about({ by: id, text: `${id}9 or ${id}` })}::text::jsonb)`;
        await sequenceAll(sql);
        await forget(id);
        expect((await log()).at(-1)).toMatchObject({ data: { by: null, text: `${id}9 or …` } });
    });

    test('leaves the engine’s own rows saying by pseudonym whom they concern', async () => {
        await sql`select tidings.access_changed(${ADA}, 'project:1')`;
        await forget();
        await sequenceAll(sql);
        const rows = await sql<{ event: string; data: { pseudonym: string } }[]>`
            select e.event, e.data from tidings.event e where e.topic like 'tidings:%' and e.event <> 'tidings.floor' order by e.id desc limit 2`;
        expect(rows.map(({ event, data }) => [event, Object.keys(data).sort()])).toEqual([
            ['tidings.forgotten', ['pseudonym']],
            ['tidings.access', ['pseudonym', 'reason', 'snapshot', 'topic']],
        ]);
        expect(rows[0]?.data.pseudonym).toMatch(/^[0-9a-f]{64}$/);
        expect(rows[1]?.data.pseudonym).toBe(rows[0]?.data.pseudonym);
    });
});

describe('beside others', () => {
    test('it erases what is written and numbered while it runs', async () => {
        await leadALife(ADA, NAME, MAIL);
        const runner = await sql.reserve();
        await runner`begin`;
        await runner`lock table tidings.runner in exclusive mode`;
        const done = forget();
        await waiting('tidings.runner');
        await sql`select set_config('tidings.actor', ${ADA}, true), tidings.emit(${`user:${ADA}`}, 'late.made'), tidings.emit('project:1', 'late.made', ${about({ by: ADA })}::text::jsonb)`;
        await runner`commit`;
        runner.release();
        await done;
        expect(await placesOf(ADA)).toEqual([]);
        await sequenceAll(sql);
        expect(await placesOf(ADA)).toEqual([]);
        expect(await faults()).toEqual([]);
    });

    test('a writer and a reader of the log do not wait for it, and numbering not for long', async () => {
        await sql`select tidings.emit('project:1', 'note.made', jsonb_build_object('by', ${ADA}::text, 'n', g)) from generate_series(1, 20000) g`;
        await sql`select tidings.emit(${`user:${ADA}`}, 'note.made') from generate_series(1, 5000)`;
        await sequenceAll(sql);
        let over = false;
        const done = forget().finally(() => {
            over = true;
        });
        const waited = { writer: 0, numbering: 0 };
        let numberedMs = performance.now();
        for (let n = 0; !over; n += 1) {
            const begunMs = performance.now();
            await sql`select tidings.emit('project:2', 'note.made', ${about({ n })}::text::jsonb)`;
            waited.writer = Math.max(waited.writer, performance.now() - begunMs);
            const [run] = await sql`select busy from tidings.sequence()`;
            if (run?.['busy'] === false) {
                waited.numbering = Math.max(waited.numbering, performance.now() - numberedMs);
                numberedMs = performance.now();
            }
        }
        expect((await done).events).toBeGreaterThan(25_000);
        await sequenceAll(sql);
        expect(waited.writer).toBeLessThan(1000);
        expect(waited.numbering).toBeLessThan(2000);
        expect(await faults()).toEqual([]);
    }, 60_000);

    test('two at once both come to an end', async () => {
        await leadALife(ADA, NAME, MAIL);
        await leadALife(BOB, 'Bob', 'bob@example.com');
        await Promise.all([forget(ADA), forget(BOB), forget(ADA)]);
        expect(await placesOf(ADA, BOB)).toEqual([]);
    });
});

describe('who may', () => {
    /** Does it as a role. */
    async function forgetAs(role: string, names: readonly string[] | null = null): Promise<Counts> {
        const session = await sql.reserve();
        try {
            await session.unsafe(`set role ${role}`);
            return await forget(ADA, names, session);
        } finally {
            await session`reset role`;
            session.release();
        }
    }

    test('the server may, and a DBA, who needs a right on the view of people or names', async () => {
        await leadALife(ADA, NAME, MAIL);
        await expect(forgetAs('tidings_dba')).rejects.toMatchObject({ code: '42501' });
        expect((await forgetAs('tidings_dba', [NAME, MAIL])).events).toBeGreaterThan(0);
        expect((await forgetAs('tidings_server')).events).toBe(0);
    });

    test('a reader may not', async () => {
        await expect(forgetAs('tidings_reader')).rejects.toMatchObject({ code: '42501' });
    });

    test('nobody may by another name than an id, or in a transaction that can not see what others commit', async () => {
        await expect(forget('no one')).rejects.toMatchObject({
            code: '22023',
            message: "expected user_id to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got 'no one'",
        });
        await expect(
            sql.begin('isolation level repeatable read', (tx) => tx`select tidings.forget(${ADA})`),
        ).rejects.toMatchObject({
            code: '25001',
            message: 'expected tidings.forget() to run in READ COMMITTED, got repeatable read',
        });
    });
});

/** Resolves when somebody waits for a lock on a table. */
async function waiting(table: string): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
        const rows = await sql`select from pg_locks l where l.relation = ${table}::regclass and not l.granted`;
        if (rows.length > 0) return;
    }
    throw new Error(`expected somebody to wait for ${table}, got nobody`);
}

/** One person's trouble keeps nobody else from their mail: on a real database, with a real mail server. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMailer, createSendMail, createUnsubscribe, createWriteMail } from '../../src/mail/index.ts';
import type { Observation } from '../../src/observe.ts';
import { createPool, type Pool } from '../../src/store/pool.ts';
import { createDigests, type Digests, type DigestsOptions } from '../../src/worker/digests.ts';
import { type Smtp, startSmtp } from '../mail/smtp.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

const PUBLIC_URL = 'https://tasks.example.com';
let database: TestDatabase;
let smtp: Smtp;
let pool: Pool;
let mailer: ReturnType<typeof createMailer>;
let observed: Observation[];

beforeEach(async () => {
    database = await openDatabase();
    await database.sql.unsafe(`
        create table public.person (id text primary key, email text, name text, time_zone text, locale text);
        grant select on public.person to tidings_server;
        select tidings.people('public.person');
        create function public.may_enter(user_id text, room bigint) returns boolean language sql volatile as 'select pg_sleep(10) is not null';
        select tidings.topic_kind('room', 'public.may_enter(text, bigint)');
        select tidings.notification_type('note.made', title => '{actor} made {title}');`);
    smtp = await startSmtp();
    mailer = createMailer({ url: smtp.url });
    observed = [];
    pool = createPool(database.url, {
        name: 'test',
        role: 'tidings_server',
        max: 4,
        statementTimeoutMs: 500,
        deadlineMs: 5000,
        observe: (observation) => observed.push(observation),
    });
});
afterEach(async () => {
    await mailer.close();
    await smtp.close();
    await pool.end();
    await database.close();
});

function digestsWith(options: Partial<DigestsOptions> = {}): Digests {
    const write = createWriteMail({
        sender: { name: 'Tasks', address: 'tasks@example.com', domain: 'example.com' },
        publicUrl: PUBLIC_URL,
        unsubscribe: createUnsubscribe('secret'),
        dkim: null,
    });
    return createDigests({
        sql: pool,
        observe: (observation) => observed.push(observation),
        defaults: { cadence: 'hourly', timeZone: 'UTC', hour: 8, weekday: 1, instantDelayMs: 0 },
        send: createSendMail(write, mailer),
        ...options,
    });
}

async function person(id: string, email: string, topic: string | null = null, kind = 'hourly'): Promise<void> {
    await database.sql`insert into public.person values (${id}, ${email}, ${id}, 'UTC', 'en')`;
    // Written past what asks whether they may read it.
    await database.sql`
        insert into tidings.notification (user_id, type, payload, topic, event_id, email, created_at)
        values (${id}, 'note.made', '{"title": "Minutes"}', ${topic}, 1, ${kind}, now() - interval '2 hours')`;
}

const ends = async () =>
    (
        await database.sql`select concat_ws(' ', d.user_id, d.state, d.attempt) as line from tidings.digest d order by d.user_id`
    ).map(({ line }) => line);

test.each(['', 'nobody', 'a b@example.org'])('%j for an address is rejected once', async (email) => {
    await person('ada', email);
    await person('bob', 'bob@example.org');
    const digests = digestsWith();
    await digests.claim(['hourly']);
    expect(await digests.deliver()).toBe(2);
    expect(await ends()).toEqual(['ada failed 1', 'bob sent 1']);
});

test('a check that takes for ever holds up the mail that needs it, and no other', async () => {
    await person('ada', 'ada@example.org', 'room:1');
    await person('bob', 'bob@example.org');
    const digests = digestsWith();
    await digests.claim(['hourly']);
    expect(await digests.deliver()).toBe(2);
    expect(await ends()).toEqual(['ada claimed 1', 'bob sent 1']);
    const [row] =
        await database.sql`select reason, next_at < now() + interval '1 minute' as soon from tidings.digest where user_id = 'ada'`;
    expect(row).toEqual({ reason: 'canceling statement due to statement timeout', soon: true });
});

test('a mail that cannot be written is tried again for a day, like one that cannot be sent', async () => {
    await person('ada', 'ada@example.org');
    const digests = digestsWith({ send: () => Promise.reject(new TypeError('expected words')) });
    await digests.claim(['hourly']);
    await digests.deliver();
    expect(await database.sql`select state, reason from tidings.digest`).toEqual([
        { state: 'claimed', reason: 'expected words' },
    ]);
});

test('an answer with a NUL in it is noted', async () => {
    await person('ada', 'ada@example.org');
    const digests = digestsWith({
        send: async (_, begin) => ((await begin()) ? { type: 'unknown', reason: 'a\0b' } : { type: 'withdrawn' }),
    });
    await digests.claim(['hourly']);
    await digests.deliver();
    expect(await database.sql`select state, reason from tidings.digest`).toEqual([{ state: 'unknown', reason: 'ab' }]);
});

test('who stops gives back what it has not begun', async () => {
    for (let n = 0; n < 10; n += 1) await person(`u${n}`, `u${n}@example.org`);
    const digests = digestsWith({
        concurrency: 1,
        send: async (_, begin) => {
            await begin();
            digests.stop();
            return { type: 'sent', reason: '250', messageId: '<1>' };
        },
    });
    await digests.claim(['hourly']);
    await digests.deliver();
    const rows = await database.sql`
        select state, count(*)::int as n, max(next_at) < now() + interval '1 minute' as soon from tidings.digest group by 1 order by 1`;
    expect(rows).toEqual([
        { state: 'claimed', n: 9, soon: true },
        { state: 'sent', n: 1, soon: true },
    ]);
});

/** People to be told something, a mail server, and what mails them: nothing of it is made up but the clock. */

import { loadConfig } from '../../src/config.ts';
import type { Observation } from '../../src/observe.ts';
import { createPool } from '../../src/store/pool.ts';
import { createMailing } from '../../src/worker/index.ts';
import { type Smtp, startSmtp } from '../mail/smtp.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

/** A mail, as the database has it, with how many notifications carry its id. */
export type Mail = {
    readonly user: string;
    readonly state: string;
    readonly attempt: number;
    readonly told: number;
    readonly reason: string | null;
    readonly nextAt: Date;
    readonly endedAt: Date | null;
};

/** What claims and sends, with a clock of its own and the mailer and pool of its own. */
export type Sender = Omit<ReturnType<typeof createMailing>['digests'], 'stop'> & {
    readonly seen: readonly Observation[];
    /** Has it work by itself. */
    start(): Promise<void>;
    /** Sets its clock. */
    at(moment: Date): void;
    stop(): Promise<void>;
};

type SenderOptions = { readonly databaseUrl?: string; readonly smtpUrl?: string; readonly connections?: number };

export type PostOffice = {
    readonly database: TestDatabase;
    readonly smtp: Smtp;
    /** Tells each of them one thing. */
    tell(users: string | readonly string[], about?: { readonly type?: string; readonly topic?: string }): Promise<void>;
    /** Makes what sends; its clock stands at `DUE`. */
    sender(options?: SenderOptions): Sender;
    /** The mails, as they were claimed. */
    mails(): Promise<readonly Mail[]>;
    /** How often each mail came whole to the mail server, by Message-ID. */
    copies(): readonly number[];
    /** Forgets all that was told and sent, and stops who sends. */
    clear(): Promise<void>;
    close(): Promise<void>;
};

/** What a sender reads of its environment. */
export function environmentOf(databaseUrl: string, smtpUrl: string): Record<string, string> {
    return {
        DATABASE_URL: databaseUrl,
        SMTP_URL: smtpUrl,
        MAIL_FROM: 'Tasks <no-reply@tasks.example.com>',
        PUBLIC_URL: 'https://tasks.example.com',
        INSTANT_MAIL_DELAY_MS: '0',
        INSTANT_MAIL_INTERVAL_MS: '1000',
    };
}

/** Tomorrow at nine: the daily mail of what is told now was due an hour ago. */
export const DUE = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 9 * 3_600_000);

/** A moment so many minutes after `DUE`. */
export function minutesLater(minutes: number): Date {
    return new Date(DUE.getTime() + minutes * 60_000);
}

const SCHEMA = `
    create table public.person (id text primary key, email text, name text, time_zone text, locale text);
    insert into public.person select 'u' || n, 'u' || n || '@example.org', 'User ' || n from generate_series(1, 200) n;
    create table public.guest (user_id text, room bigint);
    create function public.may_enter(user_id text, room bigint) returns boolean language sql stable as
        $$ select not exists (select from public.guest g where g.user_id = may_enter.user_id and g.room = may_enter.room) $$;
    grant select on public.person, public.guest to tidings_server;
    select tidings.people('public.person'), tidings.topic_kind('room', 'public.may_enter(text, bigint)'),
        tidings.notification_type('note.made', title => 'A note', body => '{text}', summary => '{count} note|{count} notes'),
        tidings.notification_type('alarm', title => 'Alarm', critical => true);`;

const CLEAR = `
    truncate tidings.notification, tidings.digest, tidings.suppression, tidings.preference, public.guest;
    update public.person set email = id || '@example.org' where email is distinct from id || '@example.org';`;

/** Opens it. */
export async function openPostOffice(): Promise<PostOffice> {
    const [database, smtp] = await Promise.all([openDatabase(), startSmtp()]);
    const { sql } = database;
    await sql.unsafe(SCHEMA);
    const senders: Sender[] = [];
    return {
        database,
        smtp,
        async tell(users, { type = 'note.made', topic = 'room:1' } = {}) {
            await sql`select tidings.send_notification(${[users].flat()}, ${type}, '{"text": "Hello"}', topic => ${topic})`;
        },
        sender(options) {
            const made = createSender({ databaseUrl: database.url, smtpUrl: smtp.url, ...options });
            senders.push(made);
            return made;
        },
        mails: () => sql<Mail[]>`
            select d.user_id as user, d.state, d.attempt, d.reason, d.next_at as "nextAt", d.ended_at as "endedAt",
                (select count(*)::integer from tidings.notification n where n.digest_id = d.id) as told
            from tidings.digest d order by d.id`,
        copies: () => copiesOf(smtp.arrived),
        async clear() {
            await Promise.all(senders.splice(0).map((sender) => sender.stop()));
            await sql.unsafe(CLEAR);
            smtp.behave({});
            smtp.cut();
            smtp.arrived.length = 0;
            smtp.recipients.length = 0;
        },
        async close() {
            smtp.cut();
            await Promise.all(senders.map((sender) => sender.stop()));
            await smtp.close();
            await database.close();
        },
    };
}

type Addresses = { readonly databaseUrl: string; readonly smtpUrl: string };

function createSender({ databaseUrl, smtpUrl, connections = 5 }: SenderOptions & Addresses): Sender {
    const seen: Observation[] = [];
    const observe = (observation: Observation) => void seen.push(observation);
    const sql = createPool(databaseUrl, {
        name: 'sender',
        max: 4,
        role: 'tidings_server',
        deadlineMs: 10_000,
        observe,
    });
    const env = { ...environmentOf(databaseUrl, smtpUrl), MAIL_CONNECTIONS: String(connections) };
    const config = loadConfig(env);
    let now = DUE;
    const mailing = createMailing({
        config,
        sql,
        databaseUrl,
        smtpUrl,
        url: smtpUrl,
        secret: Buffer.alloc(32),
        observe,
        now: () => now,
    });
    return {
        ...mailing.digests,
        seen,
        start: mailing.start,
        at(moment) {
            now = moment;
        },
        async stop() {
            await mailing.stop();
            // Takes long where a database is silent, and nobody asks it anything more.
            void sql.end();
        },
    };
}

function copiesOf(arrived: readonly string[]): readonly number[] {
    const copies = new Map<string, number>();
    for (const mail of arrived) {
        const id = /^message-id:\s*(\S+)/im.exec(mail)?.[1] ?? 'none';
        copies.set(id, (copies.get(id) ?? 0) + 1);
    }
    return [...copies.values()];
}

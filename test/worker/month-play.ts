/** Plays a simulated month: the real worker on a clock of its own, a real database and a real mail server. */

import type { Sql } from 'postgres';
import { loadConfig } from '../../src/config.ts';
import { SERVER_ROLE } from '../../src/store/connect.ts';
import { createPool } from '../../src/store/pool.ts';
import { readSecret } from '../../src/store/read-secret.ts';
import { createMailing } from '../../src/worker/index.ts';
import { startSmtp } from '../mail/smtp.ts';
import type { TestDatabase } from '../support/database.ts';
import { idOf, type Note, type Person, TYPES, wordOf } from './month-people.ts';
import type { ArrivedMail } from './month-verdict.ts';

/** Of the sender, and so of Message-IDs. */
export const DOMAIN = 'tidings.example';
const URL = `https://${DOMAIN}`;
const DEADLINE_MS = 60_000;

export type Played = {
    readonly arrived: readonly ArrivedMail[];
    /** What the worker said went wrong. */
    readonly failures: readonly unknown[];
};

/** Goes from tick to tick: what was told until then is written, then what is due is claimed and sent. */
export async function playMonth(
    { sql, url }: TestDatabase,
    people: readonly Person[],
    notes: readonly Note[],
    ticks: readonly number[],
): Promise<Played> {
    await settle(sql, people);
    const smtp = await startSmtp();
    const failures: unknown[] = [];
    const pool = createPool(url, { name: 'month', role: SERVER_ROLE, max: 5, deadlineMs: DEADLINE_MS });
    let nowMs = 0;
    const mailing = createMailing({
        config: loadConfig({ MAIL_FROM: `Tidings <tidings@${DOMAIN}>`, MAIL_CONNECTIONS: '3' }),
        sql: pool,
        databaseUrl: url,
        smtpUrl: smtp.url,
        url: URL,
        secret: await readSecret(pool, 'mail'),
        observe: (observation) => {
            if (observation.type === 'service.failed') failures.push(observation.error);
        },
        now: () => new Date(nowMs),
    });
    const arrived: ArrivedMail[] = [];
    try {
        let written = 0;
        for (nowMs of ticks) {
            const due = notes.slice(written, notes.findLastIndex(({ atMs }) => atMs <= nowMs) + 1);
            if (due.length > 0) await tell(sql, due);
            written += due.length;
            await mailing.digests.claim(['instant', 'hourly', 'daily', 'weekly']);
            await mailing.digests.deliver();
            for (const mail of smtp.arrived.slice(arrived.length)) arrived.push(readMail(mail, nowMs));
        }
    } finally {
        await mailing.stop();
        await pool.end();
        await smtp.close();
    }
    return { arrived, failures };
}

/** Writes down who lives where and chose what, as the server would. */
async function settle(sql: Sql, people: readonly Person[]): Promise<void> {
    await sql.unsafe(`
        create table public.person (id text primary key, email text, name text, time_zone text, locale text);
        grant select on public.person to tidings_server;
        select tidings.people('public.person');`);
    for (const type of TYPES) await sql`select tidings.notification_type(${type}, title => '{word}')`;
    const rows = people.map(({ id, zone, zoneIsScheduled }) => ({
        id,
        email: `${id}@example.org`,
        name: id,
        time_zone: zoneIsScheduled ? 'UTC' : zone,
        locale: 'en',
    }));
    await sql`insert into public.person select * from jsonb_populate_recordset(null::public.person, ${sql.json(rows)})`;
    for (const { id, zone, zoneIsScheduled, hour, weekday, quiet, cadences } of people) {
        await sql`select tidings.set_schedule(${id}, ${zoneIsScheduled ? zone : null}, ${hour}, ${weekday},
            ${quiet && timeOf(quiet.from)}, ${quiet && timeOf(quiet.to)})`;
        for (const type of TYPES) await sql`select tidings.set_preference(${id}, ${type}, 'email', ${cadences[type]})`;
    }
}

const timeOf = (minutes: number) => `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;

async function tell(sql: Sql, notes: readonly Note[]): Promise<void> {
    const rows = notes.map(({ number, userId, type, cadence, atMs, isRead }) => {
        const at = new Date(atMs).toISOString();
        const readAt = isRead ? at : null;
        const payload = { word: wordOf(number) };
        return {
            id: idOf(number),
            user_id: userId,
            type,
            payload,
            event_id: number,
            email: cadence,
            created_at: at,
            seen_at: readAt,
            read_at: readAt,
        };
    });
    await sql`
        insert into tidings.notification (id, user_id, type, payload, event_id, email, created_at, seen_at, read_at)
        select r.id, r.user_id, r.type, r.payload, r.event_id, r.email, r.created_at, r.seen_at, r.read_at
        from jsonb_populate_recordset(null::tidings.notification, ${sql.json(rows)}) r`;
}

/** What it is to be known by; the words of its text stand in lines that may be wrapped. */
function readMail(mail: string, tickMs: number): ArrivedMail {
    const words = mail.replaceAll('=\r\n', '').match(/\bN\d{12}\b/g) ?? [];
    return {
        tickMs,
        messageId: /^Message-ID:\s*(\S+)/im.exec(mail)?.[1] ?? '',
        to: /^To: .*?([^\s<]+@[^\s>]+)/im.exec(mail)?.[1] ?? '',
        numbers: [...new Set(words.map((word) => Number(word.slice(1))))].sort((a, b) => a - b),
    };
}

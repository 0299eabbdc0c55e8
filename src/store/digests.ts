/** The queries of a mail's life: claimed, taken up, handed over, ended. What they mean is said in `db/functions`. */

import type { Database } from './connect.ts';

/** How often a person is mailed what they chose no time for, and when what no zone, hour or weekday is known of is due. */
export type DigestDefaults = {
    readonly cadence: 'hourly' | 'daily' | 'weekly' | 'off';
    readonly timeZone: string;
    readonly hour: number;
    /** 1 Monday … 7 Sunday. */
    readonly weekday: number;
    /** How long an instant mail leaves its reader to see it on a socket first. */
    readonly instantDelayMs: number;
};

/** When it is; null: when the database says it is. */
export type Moment = Date | null;

export type DigestKind = 'instant' | 'hourly' | 'daily' | 'weekly';

/** A mail that was taken up: `attempt` names the taker. */
export type Taken = { readonly id: string; readonly attempt: number };

/** What a mail says, as JSON of `digest_mails`; `skip` says why it is not to be sent. */
export type MailRow = { readonly id: string; readonly skip: string | null; readonly content: unknown };

/** How an attempt ended; `address` is suppressed if it was rejected. */
export type Ending = {
    readonly outcome: 'sent' | 'skipped' | 'retry' | 'rejected' | 'unknown';
    readonly reason: string | null;
    readonly address?: string;
    readonly count?: number;
    readonly messageId?: string;
};

/** Claims what is due of one page of people behind `after`; `lastUser` is null behind the last. */
export async function claimDigests(
    sql: Database,
    defaults: DigestDefaults,
    { kinds, after, at }: { readonly kinds: readonly DigestKind[]; readonly after: string; readonly at: Moment },
): Promise<{ readonly claimed: number; readonly lastUser: string | null }> {
    const [row] = await sql<{ claimed: number; last_user: string | null }[]>`
        select c.claimed, c.last_user
        from tidings.claim_digests(
            coalesce(${at}::timestamptz, clock_timestamp()),
            array(select jsonb_array_elements_text(${JSON.stringify(kinds)}::text::jsonb)), ${defaults.cadence}, ${defaults.timeZone}, ${defaults.hour}, ${defaults.weekday},
            make_interval(secs => ${defaults.instantDelayMs / 1000}), after_user => ${after}
        ) c`;
    return { claimed: row?.claimed ?? 0, lastUser: row?.last_user ?? null };
}

/** Takes up at most `limit` mails, instant ones first. */
export async function takeDigests(
    sql: Database,
    limit: number,
    { at, onlyInstant }: { readonly at: Moment; readonly onlyInstant: boolean },
): Promise<readonly Taken[]> {
    return sql<Taken[]>`select t.id, t.attempt from 
            tidings.take_digests(
            ${limit}, moment => coalesce(${at}::timestamptz, clock_timestamp()), only_instant => ${onlyInstant}
        ) t`;
}

/** Claims a mail to one person of all they were not told yet, and takes it up; null if there is nothing. */
export async function claimDigestOf(
    sql: Database,
    userId: string,
    cadence: DigestDefaults['cadence'],
    at: Moment,
): Promise<Taken | null> {
    const [row] = await sql<Taken[]>`
        select t.id, t.attempt
        from tidings.claim_digest_of(
            ${userId}, ${cadence}, moment => coalesce(${at}::timestamptz, clock_timestamp())
        ) t`;
    return row ?? null;
}

/** What these mails say, in one query. */
export async function readMails(
    sql: Database,
    ids: readonly string[],
    { timeZone, at }: { readonly timeZone: string; readonly at: Moment },
): Promise<readonly MailRow[]> {
    return sql<MailRow[]>`
        select m.id, m.skip, m.content
        from tidings.digest_mails(
            array(select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb)::bigint), ${timeZone}, moment => coalesce(${at}::timestamptz, clock_timestamp())
        ) m`;
}

/** Says that a mail goes over the wire from now on; false if another has taken it up. */
export async function handOver(sql: Database, { id, attempt }: Taken, at: Moment): Promise<boolean> {
    const [row] = await sql<{ mine: boolean }[]>`
        select tidings.hand_over_digest(
            ${id}, ${attempt}, moment => coalesce(${at}::timestamptz, clock_timestamp())
        ) as mine`;
    return row?.mine === true;
}

/** Says how an attempt ended; answers the state the mail is in, null if another has taken it up. */
export async function endDigest(
    sql: Database,
    { id, attempt }: Taken,
    { outcome, reason, address, count, messageId }: Ending,
    at: Moment,
): Promise<string | null> {
    const [row] = await sql<{ state: string | null }[]>`
        select tidings.end_digest(
            ${id}, ${attempt}, ${outcome}, ${reason}, ${address ?? null}, ${count ?? null}, ${messageId ?? null},
            coalesce(${at}::timestamptz, clock_timestamp())
        ) as state`;
    return row?.state ?? null;
}

/** Claims the mails that are due and sends them, a few at a time, which are looked at again right before. */

import { messageOf } from '../errors.ts';
import type { Begin, MailContent, MailSent } from '../mail/index.ts';
import type { Observe } from '../observe.ts';
import { createPause, type Pause } from '../pause.ts';
import type { Database } from '../store/connect.ts';
import {
    claimDigestOf,
    claimDigests,
    type DigestDefaults,
    type DigestKind,
    type Ending,
    endDigest,
    handOver,
    type MailRow,
    type Moment,
    readMails,
    type Taken,
    takeDigests,
} from '../store/digests.ts';

export type DigestsOptions = {
    readonly sql: Database;
    readonly observe: Observe;
    readonly defaults: DigestDefaults;
    /** Hands a mail over; calls `begin` right before the first byte that may make it accepted, and stops if that says no. */
    readonly send: (content: MailContent, begin: Begin) => Promise<MailSent>;
    /** Mails on their way at once. */
    readonly concurrency?: number;
    /** The clock; a simulation has its own. Unset: the database's, which all workers share. */
    readonly now?: () => Moment;
};

/** How a mail ended; `state` is the one it is in now, null if another has taken it up. */
export type MailEnd = {
    readonly digest: string;
    readonly outcome: Ending['outcome'] | 'withdrawn';
    readonly state: string | null;
    readonly reason: string | null;
};

/** The two halves of mailing; both may run anywhere, any number of times at once. */
export type Digests = {
    /** Claims all that is due of these kinds; answers how many mails. */
    claim(kinds: readonly DigestKind[]): Promise<number>;
    /** Sends all that is claimed and due, or the instant ones of it; answers how many it took up. */
    deliver(options?: { readonly onlyInstant: boolean }): Promise<number>;
    /** Sends one person all they were not told yet, whenever it is due; null if there is nothing. */
    sendTo(userId: string): Promise<MailEnd | null>;
    /** Takes up nothing more; what is on its way is finished, and noted if the database is there. */
    stop(): void;
};

/** A mail that went out must be noted, or it ends as unknown: tried for a minute, if the database is away. */
const NOTE_TRIES = 8;
const NOTE_PAUSE_MS = 250;
const LONGEST_REASON = 1000;

export function createDigests(options: DigestsOptions): Digests {
    const { sql, observe, defaults, send, concurrency = 5, now = () => null } = options;
    const pauses = new Set<Pause>();
    let stopped = false;

    async function claim(kinds: readonly DigestKind[]): Promise<number> {
        const at = now();
        let claimed = 0;
        for (let after: string | null = ''; after !== null && !stopped; ) {
            const page = await claimDigests(sql, defaults, { kinds, after, at });
            claimed += page.claimed;
            after = page.lastUser;
        }
        if (claimed > 0) observe({ type: 'mail.claimed', mails: claimed });
        return claimed;
    }

    /** No more than can be on their way: what is taken up in advance goes stale, and its lease runs out when others take long. */
    async function deliver({ onlyInstant } = { onlyInstant: false }): Promise<number> {
        for (let count = 0; ; ) {
            const taken = stopped ? [] : await takeDigests(sql, concurrency, { at: now(), onlyInstant });
            if (taken.length === 0) return count;
            count += taken.length;
            const rows = await readTogether(taken);
            await Promise.all(taken.map((one) => sendOrObserve(one, rows.get(one.id))));
        }
    }

    /** One that can't be read must not keep the others from being sent: then each is read by itself. */
    async function readTogether(taken: readonly Taken[]): Promise<ReadonlyMap<string, MailRow>> {
        const rows = await read(taken.map(({ id }) => id)).catch(() => []);
        return new Map(rows.map((row) => [row.id, row]));
    }

    function read(ids: readonly string[]): Promise<readonly MailRow[]> {
        return readMails(sql, ids, { timeZone: defaults.timeZone, at: now() });
    }

    async function sendOrObserve(one: Taken, row: MailRow | undefined): Promise<void> {
        try {
            await sendOne(one, row);
        } catch (error) {
            observe({ type: 'service.failed', service: 'mail', error });
        }
    }

    async function sendOne(one: Taken, known?: MailRow): Promise<MailEnd> {
        let mail: MailContent | undefined;
        let ending: Ending | null;
        try {
            const row = known ?? (await read([one.id]))[0];
            mail = row?.content as MailContent;
            ending = row?.skip == null ? await attempt(one, mail) : { outcome: 'skipped', reason: row.skip };
        } catch (error) {
            // One that can't be read or written is given up after a day, as one that no server takes.
            observe({ type: 'service.failed', service: 'mail', error });
            ending = { outcome: 'retry', reason: storable(messageOf(error)) };
        }
        if (ending === null) return { digest: one.id, outcome: 'withdrawn', state: null, reason: null };
        const { outcome, reason } = ending;
        const state = await note(one, ending);
        const end = { digest: one.id, outcome, state, reason };
        if (mail !== undefined) observe({ type: 'mail.ended', kind: mail.kind, userId: mail.to.userId, ...end });
        return end;
    }

    /** Null if another has taken it up. */
    async function attempt(one: Taken, mail: MailContent): Promise<Ending | null> {
        const sent = await send(mail, () => handOver(sql, one, now()));
        if (sent.type === 'withdrawn') return null;
        return {
            outcome: sent.type,
            reason: storable(sent.reason),
            count: mail.count,
            // What was said of this one message, or by no server, is no reason never to write again.
            ...(sent.type === 'rejected' && sent.of === 'recipient' && sent.code !== null
                ? { address: mail.to.email }
                : {}),
            ...(sent.type === 'sent' ? { messageId: sent.messageId } : {}),
        };
    }

    async function note(one: Taken, ending: Ending): Promise<string | null> {
        const pause = createPause();
        pauses.add(pause);
        try {
            for (let tries = 1; ; tries += 1) {
                try {
                    return await endDigest(sql, one, ending, now());
                } catch (error) {
                    if (tries === NOTE_TRIES || pause.ended) throw error;
                    await pause.wait(NOTE_PAUSE_MS * 2 ** tries);
                }
            }
        } finally {
            pauses.delete(pause);
        }
    }

    async function sendTo(userId: string): Promise<MailEnd | null> {
        const one = await claimDigestOf(sql, userId, defaults.cadence, now());
        return one === null ? null : sendOne(one);
    }

    return {
        claim,
        deliver,
        sendTo,
        stop() {
            stopped = true;
            for (const pause of pauses) pause.end();
        },
    };
}

/** What a mail server says may be anything, and PostgreSQL takes no NUL. */
function storable(reason: string): string {
    return reason.replaceAll('\0', '').slice(0, LONGEST_REASON);
}

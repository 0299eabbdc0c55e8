/** Claims the mails that are due and sends them, one after another in SQL and several at a time over SMTP. */

import type { Begin, MailContent, MailSent } from '../mail/index.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
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
    /** Takes up nothing more; what is on its way is finished. */
    stop(): void;
};

const BATCH = 50;
/** A mail that went out must be noted, or it ends as unknown: tried for as long as its lease lasts. */
const NOTE_TRIES = 8;
const NOTE_PAUSE_MS = 250;

export function createDigests(options: DigestsOptions): Digests {
    const { sql, observe, defaults, send, concurrency = 5, now = () => null } = options;
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

    async function deliver({ onlyInstant } = { onlyInstant: false }): Promise<number> {
        let total = 0;
        while (!stopped) {
            const taken = await takeDigests(sql, BATCH, { at: now(), onlyInstant });
            if (taken.length === 0) return total;
            total += taken.length;
            const rows = await readMails(
                sql,
                taken.map(({ id }) => id),
                { timeZone: defaults.timeZone, at: now() },
            );
            const mails = new Map(rows.map((row) => [row.id, row]));
            const queue = taken.flatMap((one) => {
                const mail = mails.get(one.id);
                return mail === undefined ? [] : [{ one, mail }];
            });
            await Promise.all(Array.from({ length: concurrency }, () => work(queue)));
        }
        return total;
    }

    async function work(queue: { readonly one: Taken; readonly mail: MailRow }[]): Promise<void> {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
            try {
                await sendOne(next.one, next.mail);
            } catch (error) {
                observe({ type: 'service.failed', service: 'mail', error });
            }
        }
    }

    async function sendOne(one: Taken, { skip, content }: MailRow): Promise<MailEnd> {
        const mail = content as MailContent;
        if (skip !== null) return note(one, mail, { outcome: 'skipped', reason: skip });
        const sent = await send(mail, () => handOver(sql, one, now()));
        if (sent.type === 'withdrawn') return { digest: one.id, outcome: sent.type, state: null, reason: null };
        return note(one, mail, {
            outcome: sent.type,
            reason: sent.reason,
            count: mail.count,
            // What was said of this one message is no reason never to write again.
            ...(sent.type === 'rejected' && sent.of === 'recipient' ? { address: mail.to.email } : {}),
            ...(sent.type === 'sent' ? { messageId: sent.messageId } : {}),
        });
    }

    async function note(one: Taken, { kind, to }: MailContent, ending: Ending): Promise<MailEnd> {
        const state = await noting(() => endDigest(sql, one, ending, now()));
        const end = { digest: one.id, outcome: ending.outcome, state, reason: ending.reason };
        observe({ type: 'mail.ended', kind, userId: to.userId, ...end });
        return end;
    }

    async function sendTo(userId: string): Promise<MailEnd | null> {
        const one = await claimDigestOf(sql, userId, defaults.cadence, now());
        if (one === null) return null;
        const [mail] = await readMails(sql, [one.id], { timeZone: defaults.timeZone, at: now() });
        return mail === undefined ? null : sendOne(one, mail);
    }

    return {
        claim,
        deliver,
        sendTo,
        stop() {
            stopped = true;
        },
    };
}

async function noting<T>(write: () => Promise<T>): Promise<T> {
    const pause = createPause();
    for (let tries = 1; ; tries += 1) {
        try {
            return await write();
        } catch (error) {
            if (tries === NOTE_TRIES) throw error;
            await pause.wait(NOTE_PAUSE_MS * 2 ** tries);
        }
    }
}

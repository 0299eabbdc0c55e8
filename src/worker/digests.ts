/** Claims the mails that are due and sends them, one after another in SQL and several at a time over SMTP. */

import type { MailContent } from '../mail/index.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Database } from '../store/connect.ts';
import {
    claimDigests,
    type DigestDefaults,
    type DigestKind,
    type Ending,
    endDigest,
    handOver,
    type MailRow,
    readMails,
    type Taken,
    takeDigests,
} from '../store/digests.ts';

/** How handing a mail over ended. Only `retry` may be tried again: it was certainly not accepted. */
export type Sent =
    | { readonly type: 'sent'; readonly reason: string; readonly messageId: string }
    | { readonly type: 'retry' | 'rejected' | 'unknown'; readonly reason: string }
    /** Stopped before a byte of it went out. */
    | { readonly type: 'withdrawn' };

export type DigestsOptions = {
    readonly sql: Database;
    readonly observe: Observe;
    readonly defaults: DigestDefaults;
    /** Hands a mail over; calls `begin` right before the first byte that may make it accepted, and stops if that says no. */
    readonly send: (content: MailContent, begin: () => Promise<boolean>) => Promise<Sent>;
    /** Mails on their way at once. */
    readonly concurrency?: number;
    /** The clock; a simulation has its own. */
    readonly now?: () => Date;
};

/** The two halves of mailing; both may run anywhere, any number of times at once. */
export type Digests = {
    /** Claims all that is due of these kinds; answers how many mails. */
    claim(kinds: readonly DigestKind[]): Promise<number>;
    /** Sends all that is claimed and due; answers how many it took up. */
    deliver(): Promise<number>;
    /** Takes up nothing more; what is on its way is finished. */
    stop(): void;
};

const BATCH = 50;
/** A mail that went out must be noted, or it ends as unknown: tried for as long as its lease lasts. */
const NOTE_TRIES = 8;
const NOTE_PAUSE_MS = 250;

export function createDigests(options: DigestsOptions): Digests {
    const { sql, observe, defaults, send, concurrency = 5, now = () => new Date() } = options;
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

    async function deliver(): Promise<number> {
        let total = 0;
        while (!stopped) {
            const taken = await takeDigests(sql, BATCH, now());
            if (taken.length === 0) return total;
            total += taken.length;
            const rows = await readMails(
                sql,
                taken.map(({ id }) => id),
                defaults.timeZone,
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

    async function sendOne(one: Taken, { skip, content }: MailRow): Promise<void> {
        const mail = content as MailContent;
        if (skip !== null) return note(one, mail, { outcome: 'skipped', reason: skip });
        const sent = await send(mail, () => handOver(sql, one, now()));
        if (sent.type === 'withdrawn') return;
        await note(one, mail, {
            outcome: sent.type,
            reason: sent.reason,
            address: mail.to.email,
            count: mail.count,
            ...(sent.type === 'sent' ? { messageId: sent.messageId } : {}),
        });
    }

    async function note(one: Taken, mail: MailContent, ending: Ending): Promise<void> {
        const state = await noting(() => endDigest(sql, one, ending, now()));
        const { outcome, reason } = ending;
        observe({
            type: 'mail.ended',
            digest: one.id,
            kind: mail.kind,
            userId: mail.to.userId,
            outcome,
            state,
            reason,
        });
    }

    return {
        claim,
        deliver,
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

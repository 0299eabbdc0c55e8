/** The mail a person would get now, without anything being claimed. */

import type { MailContent, WriteMail } from '../mail/index.ts';
import { claimDigestOf, type DigestDefaults, type MailRow, readMails } from '../store/digests.ts';
import type { Pool } from '../store/pool.ts';

/** What would be sent, or why nothing would. */
export type Preview =
    | { readonly type: 'mail'; readonly mail: ReturnType<WriteMail> }
    | { readonly type: 'nothing'; readonly reason: string };

type Defaults = Pick<DigestDefaults, 'cadence' | 'timeZone'>;

/** Writes it as sending it would: the same claim, taken back. */
export async function previewMail(
    pool: Pick<Pool, 'begin'>,
    userId: string,
    { write, defaults }: { readonly write: WriteMail; readonly defaults: Defaults },
): Promise<Preview> {
    const row = await pool.begin('', async (tx): Promise<MailRow | undefined> => {
        await tx`savepoint unclaimed`;
        const one = await claimDigestOf(tx, userId, defaults.cadence, null);
        const [mail] = one === null ? [] : await readMails(tx, [one.id], { timeZone: defaults.timeZone, at: null });
        await tx`rollback to savepoint unclaimed`;
        return mail;
    });
    if (row === undefined) return { type: 'nothing', reason: 'nothing that was not told yet' };
    if (row.skip !== null) return { type: 'nothing', reason: row.skip };
    return { type: 'mail', mail: write(row.content as MailContent) };
}

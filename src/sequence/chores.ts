/** What the engine has done now and then, by any server. */

import type { Database } from '../store/connect.ts';
import {
    createPartitions,
    flushHeads,
    purgeDigests,
    purgeIdempotency,
    purgeNotifications,
    wakeSnoozed,
} from '../store/keep-house.ts';

/** One thing to be done now and then. Any number of servers may; its statement has to let one at a time work. */
export type Chore = {
    readonly name: string;
    readonly everyMs: number;
    /** Left out as long as nothing was numbered since the last time. */
    readonly onlyIfNumbered?: boolean;
    /** How many rows of work are enough for one call: as many done, and it is called again at once. Unset: one call does all. */
    readonly piece?: number;
    /** Does it, or the next piece of it; answers how much was done. */
    work(sql: Database): Promise<number>;
};

/** What the chores need to know. */
export type ChoreSettings = { readonly notificationRetentionDays: number };

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;

/** Rows of one transaction, which holds their locks for some 40 ms. */
const PURGE_ROWS = 2000;
const WAKE_ROWS = 1000;
/** No week that ended so long ago is claimed any more. */
const LEAST_MAIL_DAYS = 35;

/** The engine's own. An idle server asks for them twice a minute, and four times an hour. */
export function engineChores({ notificationRetentionDays }: ChoreSettings): readonly Chore[] {
    return [
        { name: 'partitions', everyMs: HOUR_MS, work: createPartitions },
        { name: 'heads', everyMs: 5 * SECOND_MS, onlyIfNumbered: true, work: flushHeads },
        { name: 'answers', everyMs: HOUR_MS, work: purgeIdempotency },
        {
            name: 'snoozed',
            everyMs: 30 * SECOND_MS,
            piece: WAKE_ROWS,
            work: (sql) => wakeSnoozed(sql, WAKE_ROWS),
        },
        {
            name: 'notifications',
            everyMs: HOUR_MS,
            piece: PURGE_ROWS,
            work: (sql) => purgeNotifications(sql, notificationRetentionDays, PURGE_ROWS),
        },
        {
            name: 'mails',
            everyMs: HOUR_MS,
            piece: PURGE_ROWS,
            work: (sql) => purgeDigests(sql, Math.max(notificationRetentionDays, LEAST_MAIL_DAYS), PURGE_ROWS),
        },
    ];
}

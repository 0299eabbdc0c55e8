/** The log as a subscription needs it: pin a place, read from there. A port, so that the socket core needs no database. */

import type { Topic } from '../event.ts';
import type { Database } from './connect.ts';
import { readTopic, type TopicPage } from './read-topic.ts';

export type { TopicPage } from './read-topic.ts';

/** Who wants to read what, and from where; `since` null: from now on. */
export type PinRequest = { readonly userId: string; readonly topic: Topic; readonly since: number | null };

/** What one snapshot says about a request. */
export type Pin = {
    readonly allowed: boolean;
    /** The topic's head: 0 if it never had an event. */
    readonly head: number;
    /** The topic's epoch. */
    readonly epoch: string;
    /** The head of the whole stream. */
    readonly gseq: number;
    /** Whether every event after `since` is still in the log and no loss lies between. */
    readonly resumable: boolean;
};

/** Reads of the log by topic. */
export type TopicLog = {
    /** Answers in the order asked, all in one snapshot and one query. */
    pin(requests: readonly PinRequest[]): Promise<readonly Pin[]>;
    /** Events with `after < seq <= upto`, in order, at most `limit` and not too much at once; all of one snapshot. */
    read(topic: Topic, after: number, upto: number, limit: number): Promise<TopicPage>;
};

type Row = { allowed: boolean; head: string; epoch: string; gseq: string; resumable: boolean };

/** The log in PostgreSQL. */
export function createTopicLog(sql: Database): TopicLog {
    return {
        async pin(requests) {
            const asked = JSON.stringify(requests.map(({ userId, topic, since }) => [userId, topic, since]));
            const rows = await sql<Row[]>`
                select p.allowed, p.head, p.epoch, p.gseq, p.resumable
                from (
                    select
                        coalesce(array_agg(r.value ->> 0 order by r.n), '{}') as users,
                        coalesce(array_agg(r.value ->> 1 order by r.n), '{}') as topics,
                        coalesce(array_agg((r.value ->> 2)::bigint order by r.n), '{}') as sinces
                    from jsonb_array_elements(${asked}::text::jsonb) with ordinality r (value, n)
                ) a
                cross join lateral tidings.pin(a.users, a.topics, a.sinces) p
                order by p.n`;
            return rows.map((row) => ({ ...row, head: Number(row.head), gseq: Number(row.gseq) }));
        },
        read: (topic, after, upto, limit) => readTopic(sql, topic, after, upto, limit),
    };
}

/** Replay's query: a range of one topic. */

import type { LoggedEvent, Topic } from '../event.ts';
import type { Database } from './connect.ts';
import { type LoggedRow, toLoggedEvent } from './logged-event.ts';

/** Reads the events of a topic with `after < seq <= upto`, in order, at most `limit`. A gap means retention took rows. */
export async function readTopic(
    sql: Database,
    topic: Topic,
    after: number,
    upto: number,
    limit: number,
): Promise<readonly LoggedEvent[]> {
    const rows = await sql<LoggedRow[]>`
        select
            s.gseq, s.topic, s.seq, s.event_id, e.event, e.at, e.actor_id, e.data, e.request_id, e.traceparent
        from tidings.stream s
        cross join lateral (
            select e.event, tidings.iso(e.at) as at, e.actor_id, e.data::text as data, e.request_id, e.traceparent
            from tidings.event e
            where e.id = s.event_id and e.at = s.event_at
            offset 0
        ) e
        where s.topic = ${topic} and s.seq > ${after} and s.seq <= ${upto}
        order by s.seq
        limit ${limit}`;
    return rows.map(toLoggedEvent);
}

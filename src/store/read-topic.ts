/** Replay's query: a range of one topic, with the base epoch of the snapshot it was read in. */

import type { LoggedEvent, Topic } from '../event.ts';
import type { Database } from './connect.ts';
import { type LoggedRow, toLoggedEvent } from './logged-event.ts';

/** One read of a piece of a topic. */
export type TopicPage = {
    /** The base epoch of the snapshot: under another one, the same places held other events. */
    readonly epoch: string;
    readonly events: readonly LoggedEvent[];
    /** How far the read went: an event up to here that is not among `events` is gone from the log, or not there yet. */
    readonly upto: number;
};

type Row = LoggedRow & { epoch: string; chars: string };
type EmptyRow = { epoch: string; gseq: null };

/** A page ends after the event whose `data` makes it this long, so that it fits in memory whatever was logged. */
const MOST_CHARS = 1024 * 1024;

/** Reads the events of a topic with `after < seq <= upto`, in order, at most `limit`. */
export async function readTopic(
    sql: Database,
    topic: Topic,
    after: number,
    upto: number,
    limit: number,
): Promise<TopicPage> {
    const rows = await sql<(Row | EmptyRow)[]>`
        select
            r.epoch, s.gseq, s.topic, s.seq, s.event_id, s.event, s.at, s.actor_id, s.data, s.request_id, s.traceparent, s.chars
        from (select r.epoch from tidings.run r order by r.run desc limit 1) r
        left join lateral (
            select p.*, sum(length(p.data)) over (order by p.seq rows unbounded preceding) as chars
            from (
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
                limit ${limit}
            ) p
        ) s on s.chars - length(s.data) < ${MOST_CHARS}
        order by s.seq`;
    const found = rows.filter((row): row is Row => row.gseq !== null);
    const last = found.at(-1);
    const cut = last !== undefined && (found.length === limit || Number(last.chars) >= MOST_CHARS);
    return {
        epoch: rows[0]?.epoch ?? '',
        events: found.map(toLoggedEvent),
        upto: cut ? Number(last.seq) : upto,
    };
}

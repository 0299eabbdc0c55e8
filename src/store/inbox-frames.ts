/** What the events of the inbox say to sockets: the log holds an id, a frame carries the entry and its user's counts as they are. */

import { isInboxEvent, type LoggedEvent } from '../event.ts';
import type { Database } from './connect.ts';
import type { TopicLog } from './topic-log.ts';

/** Gives inbox events their data, which says null for an entry that is gone; others stay as they are. In the order given. */
export type FillInbox = (events: readonly LoggedEvent[]) => Promise<readonly LoggedEvent[]>;

/** One query for all of them. */
export function createFillInbox(sql: Database): FillInbox {
    return async (events) => {
        const asked = events.filter((event) => isInboxEvent(event) && namesEntry(event.data));
        if (asked.length === 0) return events;
        const about = JSON.stringify(asked.map(({ topic, data }) => ({ topic, data: JSON.parse(data) as unknown })));
        const rows = await sql<{ data: string }[]>`
            select f.data
            from (
                select array_agg(substr(r.value ->> 'topic', 6) order by r.n) as users,
                    array_agg((r.value -> 'data' ->> 'id')::uuid order by r.n) as ids
                from jsonb_array_elements(${about}::text::jsonb) with ordinality r (value, n)
            ) a
            cross join lateral tidings.notification_frames(a.users, a.ids) f
            order by f.n`;
        const filled = new Map(asked.map((event, place) => [event, rows[place]?.data ?? event.data]));
        return events.map((event) => ({ ...event, data: filled.get(event) ?? event.data }));
    };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether data is what the engine writes. Anybody may emit an event of that name with whatever data they like. */
function namesEntry(data: string): boolean {
    const { id, ...more } = JSON.parse(data) as Readonly<Record<string, unknown>>;
    if (id === undefined || Object.keys(more).length > 0) return false;
    return id === null || (typeof id === 'string' && UUID.test(id));
}

/** A log whose reads come filled. */
export function fillingLog(log: TopicLog, fill: FillInbox): TopicLog {
    return {
        pin: log.pin,
        async read(topic, after, upto, limit) {
            const page = await log.read(topic, after, upto, limit);
            return { ...page, events: await fill(page.events) };
        },
    };
}

/** A row of the log as the queries of this folder select it, and what it becomes. */

import type { LoggedEvent } from '../event.ts';

/** Columns named alike in every query that reads the log. */
export type LoggedRow = {
    readonly gseq: string;
    readonly topic: string;
    readonly seq: string;
    readonly event_id: string;
    readonly event: string;
    readonly at: string;
    readonly actor_id: string | null;
    readonly data: string;
    readonly request_id: string | null;
    readonly traceparent: string | null;
};

/** 64-bit numbers arrive as text; places stay below 2^53 for longer than anyone will wait. */
export function toLoggedEvent(row: LoggedRow): LoggedEvent {
    return {
        gseq: Number(row.gseq),
        topic: row.topic,
        seq: Number(row.seq),
        id: row.event_id,
        event: row.event,
        at: row.at,
        actorId: row.actor_id,
        data: row.data,
        requestId: row.request_id,
        traceparent: row.traceparent,
    };
}

/** The encoder of `event` frames: the JSON text of `data` is put in as PostgreSQL made it, unparsed. */

import type { LoggedEvent } from '../event.ts';

/**
 * The text of an `event` frame.
 *
 * `topic`, `event`, `id` and `at` hold no character that JSON escapes (the log's constraints see to it), so they are put
 * in as they are; what comes from a writer's settings is escaped.
 */
export function encodeEvent(event: LoggedEvent): string {
    const actor = event.actorId === null ? 'null' : JSON.stringify(event.actorId);
    const request = event.requestId === null ? '' : `,"requestId":${JSON.stringify(event.requestId)}`;
    const trace = event.traceparent === null ? '' : `,"traceparent":${JSON.stringify(event.traceparent)}`;
    return (
        `{"type":"event","topic":"${event.topic}","seq":${event.seq},"event":"${event.event}","id":"${event.id}",` +
        `"at":"${event.at}","actorId":${actor},"data":${event.data}${request}${trace}}`
    );
}

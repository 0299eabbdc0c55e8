/** The encoder of `event` frames: the JSON text of `data` is put in as PostgreSQL made it, unparsed. */

import type { LoggedEvent, Topic } from '../event.ts';

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

/** Longer than anything that stands before the `event` of a frame. */
const PLACE_CHARS = 240;
const PLACE = /^\{"type":"event","topic":"([^"]+)","seq":([0-9]+),/;

/** The topic and seq of a frame that `encodeEvent` made, without parsing its data. */
export function placeOf(frame: Buffer): { readonly topic: Topic; readonly seq: number } {
    const found = PLACE.exec(frame.toString('latin1', 0, PLACE_CHARS));
    if (found === null) throw new TypeError('expected an event frame, got something else');
    return { topic: found[1] ?? '', seq: Number(found[2]) };
}

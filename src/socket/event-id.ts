/**
 * The `id:` of server-sent events: where a client is in all topics of its stream, as one short text it brings back.
 *
 * `1;<epoch>~<epoch>…;<mark><seq>[.<n>],…` with one entry per topic: the topic's mark, 8 characters; its seq and, unless it
 * is the first, the number of its epoch, both in base 36. A hundred topics take about 1.2 kB, because the head of a
 * request may have no more than 4. It is not signed: it says no more than `since` and `epoch` do, and what may be read is
 * decided elsewhere.
 */

import { createHash } from 'node:crypto';
import type { Topic } from '../event.ts';
import type { Since } from '../protocol/index.ts';

/** A place in a topic. */
export type Position = NonNullable<Since>;

/** A topic's mark and the place in it. */
export type MarkedPosition = readonly [mark: string, position: Position];

const VERSION = '1';
const MARK_CHARS = 8;
const ENTRY = /^([A-Za-z0-9_-]{8})([0-9a-z]{1,11})(?:\.([0-9a-z]{1,4}))?$/;
const EPOCH = /^[A-Za-z0-9_.-]{1,128}$/;

/** What stands for a topic in an id: 48 bits of a hash. */
export function markOf(topic: Topic): string {
    return createHash('sha256').update(topic).digest('base64url').slice(0, MARK_CHARS);
}

/** The id of these positions. */
export function formatEventId(positions: Iterable<MarkedPosition>): string {
    const epochs: string[] = [];
    const entries: string[] = [];
    for (const [mark, { seq, epoch }] of positions) {
        if (!epochs.includes(epoch)) epochs.push(epoch);
        const place = epochs.indexOf(epoch);
        entries.push(`${mark}${seq.toString(36)}${place === 0 ? '' : `.${place.toString(36)}`}`);
    }
    return `${VERSION};${epochs.join('~')};${entries.join(',')}`;
}

/** The positions in an id, by mark; null if it is none of ours. */
export function parseEventId(id: string): ReadonlyMap<string, Position> | null {
    const [version, epochList = '', entryList = '', more] = id.split(';');
    if (version !== VERSION || more !== undefined) return null;
    const epochs = epochList.split('~');
    if (!epochs.every((epoch) => EPOCH.test(epoch))) return null;
    const positions = new Map<string, Position>();
    for (const entry of entryList.split(',')) {
        const [, mark = '', seq36 = '', place36 = '0'] = ENTRY.exec(entry) ?? [];
        const seq = Number.parseInt(seq36, 36);
        const epoch = epochs[Number.parseInt(place36, 36)];
        if (!Number.isSafeInteger(seq) || epoch === undefined) return null;
        positions.set(mark, { seq, epoch });
    }
    return positions;
}

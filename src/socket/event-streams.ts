/** Streams of server-sent events: what a request asks for, and where its client goes on in each topic. */

import type { Identity } from '../auth/index.ts';
import { TidingsError } from '../errors.ts';
import { type Topic, USER_KIND } from '../event.ts';
import type { Since } from '../protocol/index.ts';
import { markOf, type Position, parseEventId } from './event-id.ts';
import { EventPositions, type Starts } from './event-positions.ts';
import { EventSession } from './event-session.ts';
import { EventStream } from './event-stream.ts';
import { hasRoom, NO_ROOM_RETRY_MS, noRoomMessage } from './room.ts';
import type { Sessions } from './sessions.ts';

/** One request, by somebody whose token was checked. Topics are well-formed, at least one. */
export type EventStreamRequest = Identity & {
    readonly topics: readonly Topic[];
    /** Where to go on in the one topic asked for. */
    readonly since: Since;
    /** The id of the last event seen: what it knows of a topic takes the place of `since`. */
    readonly lastEventId: string | null;
    readonly address: string;
};

/** What streams are made of. `random` is a parameter for tests. */
export type EventStreamsOptions = {
    readonly sessions: Pick<Sessions, 'ports' | 'connections' | 'closing' | 'crowd'>;
    readonly random?: () => number;
};

/**
 * Opens a stream; answers its body, which is to be read or cancelled.
 *
 * @throws TidingsError `too_many_subscriptions` over the limit of topics; `unavailable` where there is no room for one more,
 * `rate_limited` over that of its user.
 */
export type OpenEventStream = (request: EventStreamRequest) => ReadableStream<Uint8Array>;

/** Clients come back 1 to 3 s after an end nobody announced. */
const LEAST_RETRY_MS = 1000;
const RETRY_SPREAD_MS = 2000;

/** The code of a connection that ended without a goodbye. */
const GONE = 1006;

/** Stands for a place that is not known: what is asked from there is answered with a reset. */
const NOWHERE: Position = { seq: 0, epoch: 'unknown' };

/** Makes the function that opens streams among these sessions: they count, are flushed and are closed like sockets. */
export function createEventStreams({ sessions, random = Math.random }: EventStreamsOptions): OpenEventStream {
    const { connections, closing, crowd, ports } = sessions;
    const { wsMaxBackpressureBytes: killBytes, wsMaxSubscriptions } = ports.settings;

    function open(request: EventStreamRequest): ReadableStream<Uint8Array> {
        refuseTooMany(request, wsMaxSubscriptions);
        crowd.refuse();
        if (!hasRoom(ports, request.userId)) {
            const message = noRoomMessage(ports.settings);
            throw new TidingsError('rate_limited', message, { retryAfterMs: NO_ROOM_RETRY_MS });
        }
        const starts = startsOf(request);
        const stream = new EventStream({
            address: request.address,
            positions: new EventPositions(starts),
            killBytes,
            // A turn later, as with sockets: nothing is closed from within the reader's own call.
            onDrained: () => ports.clock.atTurnEnd(() => session.drained()),
            onGone: () => session.gone(GONE),
        });
        const session = new EventSession(stream, request, { ...ports, connections });
        stream.retryAfter(LEAST_RETRY_MS + Math.round(random() * RETRY_SPREAD_MS));
        // A browser gives up for good on any status but 200; so it is let in, and comes back to another server.
        if (closing.aborted) session.giveUp();
        else session.start(starts);
        return stream.body;
    }

    return open;
}

function refuseTooMany({ topics, userId }: EventStreamRequest, most: number | null): void {
    const counted = new Set(topics.filter((topic) => topic !== `${USER_KIND}:${userId}`)).size;
    if (most === null || counted <= most) return;
    const message = `expected at most ${most} topics on one stream, got ${counted}`;
    throw new TidingsError('too_many_subscriptions', message);
}

/** An id that is none of ours says that there was a past, not where: better a reset than a hole. */
function startsOf({ topics, since, lastEventId }: EventStreamRequest): Starts {
    if (lastEventId === null) return new Map(topics.map((topic) => [topic, since]));
    const known = parseEventId(lastEventId);
    const placeIn = (topic: Topic) => (known === null ? NOWHERE : (known.get(markOf(topic)) ?? since));
    return new Map(topics.map((topic) => [topic, placeIn(topic)]));
}

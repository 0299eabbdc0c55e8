/** The nouns of the pipeline: a topic, a position in it, and an event as the log holds it. */

/** `<kind>:<id>`, see {@link TOPIC_PATTERN}. */
export type Topic = string;

/** A topic: kind `[a-z][a-z0-9_]{0,31}`, id 1–128 characters of a set that needs no escaping in JSON or SQL. */
const TOPIC_PATTERN: RegExp = /^([a-z][a-z0-9_]{0,31}):([A-Za-z0-9_.@|:+-]{1,128})$/;

/** A user or row id as the engine knows it: opaque text. */
export const ID_PATTERN: RegExp = /^[A-Za-z0-9_.@|:+-]{1,128}$/;

/** The kind of topic every user owns; `user:<sub>` is joined by itself. */
export const USER_KIND = 'user';

/** The reserved kind: the engine's own rows in the stream. Never subscribable, refused by `tidings.emit`. */
export const RESERVED_KIND = 'tidings';

/** Topic of the access rows: `{user, topic|null}`, in stream order before the visible event. */
export const ACCESS_TOPIC: Topic = 'tidings:access';

/** Topic of the engine's own signals to servers: floors of a whole kind, sockets to close. */
export const CONTROL_TOPIC: Topic = 'tidings:control';

/** Name of the row that stands in a topic where something was lost: becomes a `reset` frame, never an `event`. */
export const RESET_EVENT = 'tidings.reset';

/**
 * One row of the log joined to its place in the stream.
 *
 * `data` is the JSON text PostgreSQL made; it is put into the frame as it is and never parsed on the way.
 */
export type LoggedEvent = {
    /** Place in the whole stream; grows by one per row, visible in order. */
    readonly gseq: number;
    readonly topic: Topic;
    /** Place in the topic; grows by exactly one. */
    readonly seq: number;
    /** Decimal string, unique within an epoch. */
    readonly id: string;
    /** `<entity>.created` and the like. */
    readonly event: string;
    /** When the row was written, ISO 8601 UTC with milliseconds. */
    readonly at: string;
    readonly actorId: string | null;
    /** JSON text. */
    readonly data: string;
    readonly requestId: string | null;
    readonly traceparent: string | null;
};

/** The kind of a topic: what stands before its first colon. */
export function kindOf(topic: Topic): string {
    return topic.slice(0, topic.indexOf(':'));
}

/** Whether a row tells of an entry of a user's inbox: the log has its id, a frame what it is when it is sent. */
export function isInboxEvent({ topic, event }: Pick<LoggedEvent, 'topic' | 'event'>): boolean {
    return event.startsWith('notification.') && topic.startsWith(`${USER_KIND}:`);
}

/** Whether `text` is a well-formed topic. */
export function isTopic(text: string): boolean {
    return TOPIC_PATTERN.test(text);
}

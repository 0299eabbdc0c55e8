/** Frames a client sends, and the strict parser that turns their text into them. */

import { isTopic, type Topic } from '../event.ts';
import { byteLengthOver, show } from './describe.ts';
import { EPOCH_MAX_CHARS, REF_MAX_BYTES } from './limits.ts';

/** A position a client has reached; null: from now on. */
export type Since = { readonly seq: number; readonly epoch: string } | null;

/** One topic of a `subscribe`: what is asked, or what is wrong with it. Each gets an answer of its own. */
export type SubscribeItem =
    | { readonly ok: true; readonly topic: Topic; readonly since: Since }
    | { readonly ok: false; readonly topic: string | null; readonly message: string };

/** A frame that could be read. `ref` is null if the client gave none. */
export type ClientFrame =
    | { readonly type: 'subscribe'; readonly items: readonly SubscribeItem[]; readonly ref: string | null }
    | { readonly type: 'unsubscribe'; readonly topic: Topic; readonly ref: string | null }
    | { readonly type: 'auth'; readonly token: string; readonly ref: string | null }
    | { readonly type: 'ping'; readonly ref: string | null }
    /** What is answered with `bad_request`; the ref is there if it could be read. */
    | {
          readonly type: 'invalid';
          readonly message: string;
          readonly topic: string | null;
          readonly ref: string | null;
      };

type Fields = Readonly<Record<string, unknown>>;

const FIELDS: Readonly<Record<string, readonly string[]>> = {
    subscribe: ['type', 'ref', 'topic', 'since', 'epoch', 'topics'],
    unsubscribe: ['type', 'ref', 'topic'],
    auth: ['type', 'ref', 'token'],
    ping: ['type', 'ref'],
};
const ITEM_FIELDS = ['topic', 'since', 'epoch'];
const TOPIC_RULE = 'topic to be <kind>:<id> (kind [a-z][a-z0-9_]{0,31}, id 1 to 128 of A-Z a-z 0-9 _ . @ | : + -)';

/** Reads one text frame. Never throws: what is wrong with it is an `invalid` frame. */
export function parseClientFrame(text: string): ClientFrame {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch {
        return invalid('expected a JSON object, got text that is not JSON', null);
    }
    if (!isObject(value)) return invalid(`expected a JSON object, got ${show(value)}`, null);
    const ref = value['ref'] ?? null;
    if (typeof ref === 'string' && byteLengthOver(ref, REF_MAX_BYTES)) {
        return invalid(`expected ref to be at most ${REF_MAX_BYTES} bytes, got ${Buffer.byteLength(ref)}`, null);
    }
    if ('ref' in value && typeof ref !== 'string') {
        return invalid(`expected ref to be a string, got ${show(value['ref'])}`, null);
    }
    return parseFields(value, ref as string | null);
}

function parseFields(frame: Fields, ref: string | null): ClientFrame {
    const type = frame['type'];
    const allowed = typeof type === 'string' && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
    if (allowed === undefined) {
        return invalid(`expected type to be subscribe, unsubscribe, auth or ping, got ${show(type)}`, ref);
    }
    const wrong = unknownField(frame, allowed);
    if (wrong !== null) return invalid(wrong, ref);
    if (type === 'subscribe') return parseSubscribe(frame, ref);
    if (type === 'unsubscribe') return parseUnsubscribe(frame, ref);
    if (type === 'ping') return { type: 'ping', ref };
    const token = frame['token'];
    if (typeof token !== 'string' || token === '')
        return invalid('expected token to be a string that is not empty', ref);
    return { type: 'auth', token, ref };
}

function parseSubscribe(frame: Fields, ref: string | null): ClientFrame {
    if (!('topics' in frame)) {
        const item = parseItem(frame);
        return item.ok ? { type: 'subscribe', items: [item], ref } : invalid(item.message, ref, item.topic);
    }
    const topics = frame['topics'];
    if ('topic' in frame || 'since' in frame || 'epoch' in frame) {
        return invalid('expected either topic (with since and epoch) or topics, got both', ref);
    }
    if (!Array.isArray(topics) || topics.length === 0) {
        return invalid(
            `expected topics to be a list of at least one {topic, since?, epoch?}, got ${show(topics)}`,
            ref,
        );
    }
    return { type: 'subscribe', items: topics.map(parseListed), ref };
}

function parseListed(entry: unknown): SubscribeItem {
    if (!isObject(entry)) {
        return {
            ok: false,
            topic: null,
            message: `expected topics to hold objects {topic, since?, epoch?}, got ${show(entry)}`,
        };
    }
    const wrong = unknownField(entry, ITEM_FIELDS);
    return wrong === null ? parseItem(entry) : { ok: false, topic: echoable(entry['topic']), message: wrong };
}

function parseItem(fields: Fields): SubscribeItem {
    const topic = fields['topic'];
    if (typeof topic !== 'string' || !isTopic(topic)) {
        return { ok: false, topic: echoable(topic), message: `expected ${TOPIC_RULE}, got ${show(topic)}` };
    }
    const hasSince = 'since' in fields;
    if (hasSince !== 'epoch' in fields) {
        return {
            ok: false,
            topic,
            message: `expected since and epoch together, got only ${hasSince ? 'since' : 'epoch'}`,
        };
    }
    return hasSince ? parseSince(topic, fields['since'], fields['epoch']) : { ok: true, topic, since: null };
}

function parseSince(topic: Topic, seq: unknown, epoch: unknown): SubscribeItem {
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) {
        return { ok: false, topic, message: `expected since to be a whole number from 0, got ${show(seq)}` };
    }
    if (typeof epoch !== 'string' || epoch === '' || epoch.length > EPOCH_MAX_CHARS) {
        return {
            ok: false,
            topic,
            message: `expected epoch to be a string of 1 to ${EPOCH_MAX_CHARS}, got ${show(epoch)}`,
        };
    }
    return { ok: true, topic, since: { seq, epoch } };
}

function parseUnsubscribe(frame: Fields, ref: string | null): ClientFrame {
    const topic = frame['topic'];
    if (typeof topic !== 'string' || !isTopic(topic)) {
        return invalid(`expected ${TOPIC_RULE}, got ${show(topic)}`, ref, echoable(topic));
    }
    return { type: 'unsubscribe', topic, ref };
}

function unknownField(fields: Fields, allowed: readonly string[]): string | null {
    for (const name of Object.keys(fields)) {
        if (!allowed.includes(name)) return `expected only the fields ${allowed.join(', ')}, got ${show(name)}`;
    }
    return null;
}

/** A topic is sent back beside what is wrong with it, unless that would make a client's junk travel. */
function echoable(topic: unknown): string | null {
    return typeof topic === 'string' && topic.length <= 256 ? topic : null;
}

function invalid(message: string, ref: string | null, topic: string | null = null): ClientFrame {
    return { type: 'invalid', message, topic, ref };
}

function isObject(value: unknown): value is Fields {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

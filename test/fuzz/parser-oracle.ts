/** What must hold of the parser of client frames, whatever it is given. */

import { type ClientFrame, parseClientFrame, type SubscribeItem } from '../../src/protocol/index.ts';

/** Says what is wrong with the parser's answer to a text; null if nothing is. */
export function wrongWith(text: string): string | null {
    let frame: ClientFrame;
    try {
        frame = parseClientFrame(text);
    } catch (error) {
        return `expected no error, got ${String(error)}`;
    }
    if (Object.keys(Object.prototype).length > 0) return 'expected Object.prototype to stay as it is';
    if (frame.ref !== null && Buffer.byteLength(frame.ref) > 64) return 'expected a ref of at most 64 bytes';
    if (frame.type === 'invalid') return wrongAnswer(frame);
    const items = frame.type === 'subscribe' ? frame.items : [];
    for (const item of items) {
        const wrong = item.ok ? null : wrongAnswer(item);
        if (wrong !== null) return wrong;
    }
    return wrongWithCopy(frame);
}

/** The shape of an answer: its kind, and what was expected, without what came. */
export function shapeOf(text: string): string {
    const frame = parseClientFrame(text);
    if (frame.type === 'invalid') return frame.message.replace(/got [\s\S]*/, '');
    if (frame.type !== 'subscribe') return `${frame.type} ${frame.ref === null}`;
    const shapes = frame.items.map((item) =>
        item.ok ? `ok ${item.since === null}` : item.message.replace(/got [\s\S]*/, ''),
    );
    return `subscribe ${[...new Set(shapes)].sort().join('; ')}`;
}

function wrongAnswer({ message, topic }: { readonly message: string; readonly topic: string | null }): string | null {
    if (!/^expected [^\n\r]{1,400}$/.test(message)) return `expected one short line, got ${JSON.stringify(message)}`;
    const came = message.slice(message.lastIndexOf(', got ') + 6);
    if (came.length > 256 * 2) return `expected at most 60 characters of junk to travel, got ${came.length}`;
    return topic !== null && topic.length > 256 ? `expected a topic of at most 256, got ${topic.length}` : null;
}

/** What was read and is written again is read as the same. */
function wrongWithCopy(frame: Exclude<ClientFrame, { type: 'invalid' }>): string | null {
    if (frame.type === 'subscribe' && !frame.items.every(({ ok }) => ok)) return null;
    const copy = JSON.stringify(parseClientFrame(writeFrame(frame)));
    return copy === JSON.stringify(frame) ? null : `expected ${JSON.stringify(frame)} again, got ${copy}`;
}

function writeFrame(frame: Exclude<ClientFrame, { type: 'invalid' }>): string {
    const ref = frame.ref === null ? {} : { ref: frame.ref };
    if (frame.type !== 'subscribe') return JSON.stringify({ ...frame, ref: undefined, ...ref });
    return JSON.stringify({ type: 'subscribe', topics: frame.items.map(writeItem), ...ref });
}

function writeItem(item: SubscribeItem): object {
    if (!item.ok) throw new TypeError('expected an item that could be read');
    return item.since === null
        ? { topic: item.topic }
        : { topic: item.topic, since: item.since.seq, epoch: item.since.epoch };
}

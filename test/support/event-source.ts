/** A client of server-sent events for tests: parses as the HTML standard says, keeps every message, waits for one with a deadline. */

import { createSignal } from './signal.ts';
import { type Frame, suits, type Wish } from './socket-client.ts';

/** A message as it came; `id` is null if it had none. */
export type Message = { readonly id: string | null; readonly data: string; readonly frame: Frame };

/** One stream. Messages are taken in the order they came. */
export type EventSource = {
    readonly status: number;
    readonly headers: Headers;
    readonly messages: readonly Message[];
    readonly comments: readonly string[];
    /** The last `retry:` that came. */
    readonly retryMs: number | undefined;
    /** What the next request says in `Last-Event-ID`. */
    readonly lastEventId: string | undefined;
    /** Takes the first frame after the last one taken that is as wished; without a wish, just the next. */
    next(wish?: Wish): Promise<Frame>;
    /** Resolves when the stream has ended, by whomever; with false if it was cut. */
    ended(): Promise<boolean>;
    /** Resolves when `read` answers something; asks again with each piece that comes. */
    until<T>(read: () => T | undefined, what: string): Promise<T>;
    /** Goes without a word. */
    close(): void;
};

/** What is asked for. */
export type EventSourceOptions = {
    readonly token?: string;
    readonly lastEventId?: string | undefined;
    readonly headers?: Readonly<Record<string, string>>;
    /** Nothing is read before it resolves. */
    readonly held?: Promise<void>;
};

const WITHIN_MS = 15_000;
const open = new Set<EventSource>();

/** Closes every stream that is still open. Call it after each test. */
export function closeEventSources(): void {
    for (const source of open) source.close();
    open.clear();
}

/** Opens a stream; resolves when its head has come, whatever that says. `path` may have a query. */
export async function openEventSource(
    serverUrl: string,
    path: string,
    { token, lastEventId, headers = {}, held = Promise.resolve() }: EventSourceOptions = {},
): Promise<EventSource> {
    const controller = new AbortController();
    const response = await fetch(new URL(path, serverUrl), {
        signal: controller.signal,
        headers: {
            accept: 'text/event-stream',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
            ...headers,
        },
    });
    const source = collect(response, controller, held);
    open.add(source);
    return source;
}

type Fields = { comment?: string; retry?: string; id?: string; data?: string };

/** The fields of what stands between two empty lines; ours never have one twice. */
function fieldsOf(block: string): Fields {
    const fields: Fields = {};
    for (const line of block.split('\n')) {
        const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        const field = name === '' ? 'comment' : name;
        if (!['comment', 'retry', 'id', 'data'].includes(field) || field in fields) {
            throw new Error(`expected a field of server-sent events, got ${JSON.stringify(line)}`);
        }
        fields[field as keyof Fields] = value;
    }
    return fields;
}

function collect(response: Response, controller: AbortController, held: Promise<void>): EventSource {
    const messages: Message[] = [];
    const comments: string[] = [];
    const news = createSignal();
    let taken = 0;
    let retryMs: number | undefined;
    let lastEventId: string | undefined;
    let ending: boolean | undefined;

    function dispatch(block: string): void {
        const { comment, retry, id = null, data } = fieldsOf(block);
        if (comment !== undefined) comments.push(comment.trim());
        if (retry !== undefined) retryMs = Number(retry);
        lastEventId = id ?? lastEventId;
        if (data !== undefined) messages.push({ id, data, frame: JSON.parse(data) as Frame });
    }

    async function read(): Promise<void> {
        let text = '';
        const decoder = new TextDecoder();
        await held;
        for await (const chunk of response.body ?? []) {
            text += decoder.decode(chunk as Uint8Array, { stream: true });
            const blocks = text.split('\n\n');
            text = blocks.pop() ?? '';
            blocks.forEach(dispatch);
            news.poke();
        }
    }

    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    void (isStream ? read() : Promise.resolve())
        .then(
            () => true,
            () => false,
        )
        .then((whole) => {
            ending = whole;
            news.poke();
        });

    function take(wish: Wish): Frame | undefined {
        const place = messages.findIndex(({ frame }, n) => n >= taken && suits(frame, wish));
        if (place < 0) return undefined;
        taken = place + 1;
        return messages[place]?.frame;
    }

    return {
        status: response.status,
        headers: response.headers,
        messages,
        comments,
        get retryMs() {
            return retryMs;
        },
        get lastEventId() {
            return lastEventId;
        },
        async next(wish = {}) {
            const what = `a frame ${typeof wish === 'function' ? wish : JSON.stringify(wish)}`;
            try {
                return await news.until(() => take(wish), what, WITHIN_MS);
            } catch (error) {
                const last = JSON.stringify(messages.slice(-5));
                throw new Error(`${String(error)}; the last of ${messages.length}: ${last}`, { cause: error });
            }
        },
        ended: () => news.until(() => ending, 'the stream to end', WITHIN_MS),
        until: (look, what) => news.until(look, what, WITHIN_MS),
        close: () => controller.abort(),
    };
}

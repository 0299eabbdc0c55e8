/** Clients as the protocol wants them: they resume where they were, and note everything that came. */

import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import type { History, Item, Reading } from './history.ts';

/** A client that connects again and again. */
export type Reader = {
    readonly name: string;
    readonly readings: ReadonlyMap<string, Reading>;
    /** Is gone without a word, and comes back. */
    vanish(): void;
    /** Reads nothing for a while. */
    stall(forMs: number): void;
    /** How far it is in a topic; null: it never was in it. */
    cursor(topic: string): number | null;
    stop(): Promise<void>;
};

/** Who reads what, from any of these servers. */
export type ReaderOptions = {
    readonly name: string;
    readonly userId: string;
    readonly token: string;
    readonly urls: readonly string[];
    readonly topics: readonly string[];
    readonly random: () => number;
    readonly history: Pick<History, 'readings'>;
};

type Frame = Readonly<Record<string, unknown>>;
type Place = { cursor: number; epoch: string };

const AGAIN_MS = 150;
const LONGEST_BACKOFF_MS = 400;

/** Starts a reader; it runs until it is stopped. */
export function startReader(options: ReaderOptions): Reader {
    const { name, userId, token, urls, topics, random, history } = options;
    const readings = new Map(topics.map((topic) => [topic, { reader: name, userId, topic, items: [] as Item[] }]));
    history.readings.push(...readings.values());
    const places = new Map<string, Place>();
    const asked = new Map<string, number | null>();
    let socket: WebSocket | null = null;
    let stopped = false;

    function note(topic: string, item: Item): void {
        readings.get(topic)?.items.push(item);
    }

    function ask(to: WebSocket, topic: string): void {
        const place = places.get(topic);
        asked.set(topic, place?.cursor ?? null);
        const since = place === undefined ? {} : { since: place.cursor, epoch: place.epoch };
        if (to.readyState === WebSocket.OPEN) to.send(JSON.stringify({ type: 'subscribe', topic, ...since }));
    }

    function take(from: WebSocket, frame: Frame): void {
        const topic = String(frame['topic']);
        const { type } = frame;
        if (type === 'event') takeEvent(topic, frame);
        else if (type === 'subscribed' || type === 'reset') begin(topic, frame);
        else if (type === 'unsubscribed' || type === 'error') {
            const [reason, atMs] = [String(frame['reason']), performance.now()];
            if (type === 'unsubscribed') note(topic, { kind: 'unsubscribed', reason, atMs });
            else if (frame['code'] === 'forbidden') note(topic, { kind: 'forbidden', atMs });
            setTimeout(() => !stopped && socket === from && ask(from, topic), AGAIN_MS);
        }
    }

    function begin(topic: string, frame: Frame): void {
        const [seq, epoch, atMs] = [Number(frame['seq']), String(frame['epoch']), performance.now()];
        const outcome = String(frame['outcome']);
        const since = asked.get(topic) ?? null;
        if (frame['type'] === 'subscribed') note(topic, { kind: 'subscribed', seq, epoch, outcome, since, atMs });
        else note(topic, { kind: 'reset', seq, epoch, reason: String(frame['reason']), atMs });
        places.set(topic, { cursor: outcome === 'resumed' && since !== null ? since : seq, epoch });
    }

    function takeEvent(topic: string, frame: Frame): void {
        const { row, version, key } = frame['data'] as { row: number; version: number; key: string };
        const seq = Number(frame['seq']);
        note(topic, { kind: 'event', seq, id: String(frame['id']), key, row, version, atMs: performance.now() });
        const place = places.get(topic);
        if (place !== undefined && seq > place.cursor) place.cursor = seq;
    }

    function connectOnce(url: string): Promise<void> {
        return new Promise((resolve) => {
            const opened = new WebSocket(new URL('/ws', url.replace(/^http/, 'ws')), ['tidings.v1'], {
                headers: { authorization: `Bearer ${token}` },
                handshakeTimeout: 4000,
            });
            socket = opened;
            opened.on('error', () => undefined);
            opened.on('open', () => {
                for (const topic of topics) ask(opened, topic);
            });
            opened.on('message', (data) => take(opened, JSON.parse(String(data)) as Frame));
            opened.on('close', (code) => {
                for (const topic of topics) note(topic, { kind: 'ended', code, atMs: performance.now() });
                resolve();
            });
        });
    }

    async function run(): Promise<void> {
        for (let tries = Math.floor(random() * urls.length); !stopped; tries += 1) {
            await connectOnce(urls[tries % urls.length] ?? '');
            if (!stopped) await delay(random() * LONGEST_BACKOFF_MS);
        }
    }

    const running = run();
    return {
        name,
        readings,
        vanish: () => socket?.terminate(),
        stall(forMs) {
            const stalled = socket;
            stalled?.pause();
            setTimeout(() => stalled?.resume(), forMs).unref();
        },
        cursor: (topic) => places.get(topic)?.cursor ?? null,
        async stop() {
            stopped = true;
            socket?.terminate();
            await running;
        },
    };
}

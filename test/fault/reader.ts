/** A client as the protocol wants it: it resumes where it was whenever its socket ends, and keeps account of all it saw. */

import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { tokenFor } from '../support/server.ts';
import type { Frame } from '../support/socket-client.ts';
import { ROOMS } from './rooms.ts';

/** One event as it was handed to the application. */
export type Seen = { readonly seq: number; readonly key: string; readonly atMs: number };

/** What a reader saw of one topic. */
export type Account = {
    epoch: string;
    cursor: number;
    /** Where it began. */
    from: number;
    readonly seen: Seen[];
    /** From where to where it was told to reload. */
    readonly resets: { readonly after: number; readonly upto: number; readonly reason: string }[];
    /** Frames with a seq at or below the cursor. */
    repeated: number;
    /** What must never happen. */
    readonly violations: string[];
};

/** A reader at work. */
export type Reader = {
    readonly name: string;
    readonly accounts: ReadonlyMap<string, Account>;
    /** How often it had to connect again. */
    readonly reconnects: number;
    /** Its socket goes without a close; it comes back. */
    vanish(): void;
    /** Resolves once a topic's cursor is at `seq` or past it. */
    reaches(topic: string, seq: number, withinMs?: number): Promise<void>;
    stop(): Promise<void>;
};

const RETRY_MS = 50;

/** Connects to one of the servers, the next one after each loss; resolves when all topics are joined. */
export async function startReader(
    name: string,
    urls: readonly string[],
    topics: readonly string[] = ROOMS,
): Promise<Reader> {
    const accounts = new Map<string, Account>();
    const token = await tokenFor(name);
    let socket: WebSocket | undefined;
    let tries = 0;
    let reconnects = -1;
    let stopped = false;

    function onFrame(frame: Frame): void {
        const { type, topic, seq, epoch, outcome, reason } = frame as Readonly<Record<string, string>> & {
            seq: number;
        };
        const account = accounts.get(String(topic));
        if (type === 'subscribed' && account === undefined) {
            accounts.set(String(topic), {
                epoch: String(epoch),
                cursor: seq,
                from: seq,
                seen: [],
                resets: [],
                repeated: 0,
                violations: [],
            });
        } else if (account === undefined) return;
        else if (type === 'event') onEvent(account, seq, String((frame['data'] as Frame)['key']));
        else if (type === 'reset' || (type === 'subscribed' && outcome === 'reset')) {
            account.resets.push({ after: account.cursor, upto: seq, reason: String(reason ?? outcome) });
            account.cursor = seq;
            account.epoch = String(epoch);
        } else if (type === 'error' || type === 'unsubscribed') account.violations.push(JSON.stringify(frame));
    }

    function onEvent(account: Account, seq: number, key: string): void {
        if (seq <= account.cursor) {
            account.repeated += 1;
            return;
        }
        if (seq !== account.cursor + 1) account.violations.push(`seq ${seq} after ${account.cursor}`);
        account.cursor = seq;
        account.seen.push({ seq, key, atMs: performance.now() });
    }

    function wanted(): Frame[] {
        return topics.map((topic) => {
            const account = accounts.get(topic);
            return account === undefined ? { topic } : { topic, since: account.cursor, epoch: account.epoch };
        });
    }

    /** One connection, from its handshake to its end. */
    function connectOnce(): Promise<void> {
        const url = new URL('/ws', urls[tries % urls.length]?.replace(/^http/, 'ws'));
        tries += 1;
        return new Promise((resolve) => {
            const opened = new WebSocket(url, ['tidings.v1'], {
                headers: { authorization: `Bearer ${token}` },
                handshakeTimeout: 3000,
            });
            socket = opened;
            opened.on('error', () => undefined);
            opened.on('open', () => {
                reconnects += 1;
                opened.send(JSON.stringify({ type: 'subscribe', topics: wanted() }));
            });
            opened.on('message', (data) => {
                const frame = JSON.parse(String(data)) as Frame;
                // A database that is away: asked again from where it was.
                if (frame['type'] === 'error' && frame['code'] === 'internal') opened.terminate();
                else onFrame(frame);
            });
            opened.on('close', () => resolve());
        });
    }

    async function run(): Promise<void> {
        while (!stopped) {
            await connectOnce();
            if (!stopped) await delay(RETRY_MS);
        }
    }

    async function until(met: () => boolean, what: () => string, withinMs: number): Promise<void> {
        const lastMs = performance.now() + withinMs;
        while (!met()) {
            if (performance.now() > lastMs)
                throw new Error(`expected ${name} ${what()} within ${withinMs} ms, got nothing`);
            await delay(5);
        }
    }

    const running = run();
    await until(
        () => accounts.size === topics.length,
        () => 'to join every topic',
        10_000,
    );
    return {
        name,
        accounts,
        get reconnects() {
            return reconnects;
        },
        vanish: () => socket?.terminate(),
        reaches: (topic, seq, withinMs = 30_000) =>
            until(
                () => (accounts.get(topic)?.cursor ?? 0) >= seq,
                () => `to reach ${topic} ${seq}, not ${accounts.get(topic)?.cursor},`,
                withinMs,
            ),
        async stop() {
            stopped = true;
            socket?.terminate();
            await running;
        },
    };
}

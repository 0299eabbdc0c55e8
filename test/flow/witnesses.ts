/**
 * Sockets that watch topics while something happens: what each saw, and on every other topic silence.
 *
 * Silence is proven by a marker: after the action every topic gets one more event, and what a socket got before that
 * event is all there was.
 */

import type { Sql } from 'postgres';
import { expect } from 'vitest';
import type { ServerClient } from '../support/server.ts';
import type { Frame, SocketClient } from '../support/socket-client.ts';

/** An event without what its place in the log says: `seq`, `id` and `at`. */
export type Told = {
    readonly event: string;
    readonly data: unknown;
    readonly actorId: string | null;
    readonly requestId?: unknown;
    readonly traceparent?: unknown;
};

/** What is to be told, by topic; a topic that is not named stays silent. */
export type Expected = Readonly<Record<string, readonly Told[]>>;

/** By witness and topic: every frame that came. */
type Seen = Readonly<Record<string, Record<string, Frame[]>>>;

/** The watch. */
export type Witnesses = {
    /** Does `action` and expects exactly these events, in this order, on every socket that reads their topic. */
    expectEvents<T>(action: () => PromiseLike<T>, expected: (result: T) => Expected): Promise<T>;
    /** Does `action` and answers what each witness saw on each of its topics. */
    during(action: () => PromiseLike<unknown>): Promise<Seen>;
};

const ID = expect.stringMatching(/^[1-9]\d*$/);
const AT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const MARKER = 'test.marker';

type Witness = { readonly client: SocketClient; readonly topics: readonly string[] };

/** Opens a socket for each user and subscribes it to these topics beside `user:<id>`. */
export async function openWitnesses(
    server: ServerClient,
    sql: Sql,
    topicsByUser: Readonly<Record<string, readonly string[]>>,
): Promise<Witnesses> {
    const witnesses = new Map<string, Witness>();
    const heads = new Map<string, number>();
    for (const [userId, topics] of Object.entries(topicsByUser)) {
        const client = await server.join(userId, ...topics);
        witnesses.set(userId, { client, topics: [`user:${userId}`, ...topics] });
    }
    await during(async () => undefined);

    async function during(action: () => PromiseLike<unknown>): Promise<Seen> {
        const from = new Map([...witnesses.values()].map(({ client }) => [client, client.frames.length]));
        await action();
        const topics = [...new Set([...witnesses.values()].flatMap((witness) => witness.topics))];
        await sql`select tidings.emit(t, ${MARKER}) from unnest(${topics}::text[]) t`;
        const seen: Record<string, Record<string, Frame[]>> = {};
        for (const [userId, { client, topics: read }] of witnesses) {
            const marked = new Set<unknown>();
            while (marked.size < read.length) {
                const { topic, seq } = await client.next({ type: 'event', event: MARKER });
                marked.add(topic);
                heads.set(String(topic), Number(seq));
            }
            seen[userId] = byTopic(client.frames.slice(from.get(client)), read);
        }
        return seen;
    }

    async function expectEvents<T>(action: () => PromiseLike<T>, expected: (result: T) => Expected): Promise<T> {
        const before = new Map(heads);
        const results: T[] = [];
        const seen = await during(async () => results.push(await action()));
        const [result] = results as [T];
        const told = expected(result);
        const frames = (topic: string) =>
            (told[topic] ?? []).map((event, n) => toFrame(topic, (before.get(topic) ?? 0) + n + 1, event));
        for (const topic of Object.keys(told)) expect(heads.has(topic), `a witness of ${topic}`).toBe(true);
        const wanted = [...witnesses].map(([userId, { topics }]) => [
            userId,
            Object.fromEntries(topics.map((topic) => [topic, frames(topic)])),
        ]);
        expect(seen).toEqual(Object.fromEntries(wanted));
        return result;
    }

    return { expectEvents, during };
}

function toFrame(topic: string, seq: number, told: Told): Frame {
    return { type: 'event', topic, seq, id: ID, at: AT, ...told };
}

/** Every topic is there, so that one nothing came on is seen to be empty. */
function byTopic(frames: readonly Frame[], topics: readonly string[]): Record<string, Frame[]> {
    const sorted: Record<string, Frame[]> = Object.fromEntries(topics.map((topic) => [topic, []]));
    for (const frame of frames) {
        if (frame['event'] === MARKER) continue;
        const topic = String(frame['topic']);
        sorted[topic] = [...(sorted[topic] ?? []), frame];
    }
    return sorted;
}

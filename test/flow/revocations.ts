/** Readers whose rights change: what each was told on a topic, and proof that it was told nothing more. */

import type { Sql } from 'postgres';
import type { Frame, SocketClient } from '../support/socket-client.ts';

/** What a frame on a topic said: an event's name, or why its subscription ended. */
export type Word = string;

/**
 * Does `change`, and answers by reader what it was told on `topic` from then on.
 *
 * That it was all is proven by markers on the topic, one before and one after, which whoever still reads gets, then one on the user's
 * own topic, which everybody gets after it.
 */
export async function wordsOf(
    sql: Sql,
    topic: string,
    readers: Readonly<Record<string, SocketClient>>,
    change: () => PromiseLike<unknown>,
): Promise<Readonly<Record<string, readonly Word[]>>> {
    // What was committed before may be told only now: numbered late, or held back at a change of rights.
    await sql`select tidings.emit(${topic}, 'test.start')`;
    for (const reader of Object.values(readers)) await reader.next({ type: 'event', event: 'test.start' }, 10_000);
    const from = new Map(Object.values(readers).map((reader) => [reader, reader.frames.length]));
    await change();
    await sql`select tidings.emit(${topic}, 'test.marker')`;
    for (const reader of from.keys()) await reader.next((frame) => isEnd(frame, topic), 10_000);
    await sql`select tidings.emit(${topic}, 'test.more')`;
    const users = [...new Set([...from.keys()].map(userOf))];
    await sql`select tidings.emit('user:' || u, 'test.end') from unnest(${users}::text[]) u`;
    for (const reader of from.keys()) await reader.next({ type: 'event', event: 'test.end' }, 10_000);
    return Object.fromEntries(
        Object.entries(readers).map(([name, reader]) => {
            const frames = reader.frames.slice(from.get(reader)).filter((frame) => frame['topic'] === topic);
            return [name, frames.map(wordOf).filter((word) => !word.startsWith('test.'))];
        }),
    );
}

/** The seqs of the events of a topic, to be compared with an unbroken row of numbers. */
export function seqsOf({ frames }: SocketClient, topic: string): readonly number[] {
    return frames
        .filter((frame) => frame['type'] === 'event' && frame['topic'] === topic)
        .map(({ seq }) => Number(seq));
}

/** As many numbers as `seqs` has, from its first on. */
export function unbroken(seqs: readonly number[]): readonly number[] {
    return seqs.map((_, n) => (seqs[0] ?? 0) + n);
}

function isEnd(frame: Frame, topic: string): boolean {
    const { type, event } = frame;
    return frame['topic'] === topic && (type === 'unsubscribed' || type === 'reset' || event === 'test.marker');
}

function userOf({ frames }: SocketClient): string {
    return String(frames.find(({ type }) => type === 'welcome')?.['userId']);
}

function wordOf({ type, event, reason }: Frame): Word {
    return type === 'event' ? String(event) : [type, reason].filter((part) => part !== undefined).join(' ');
}

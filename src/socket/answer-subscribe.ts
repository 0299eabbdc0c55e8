/** Answers `subscribe` frames: one answer per topic, in the order asked, all of them pinned together. */

import { echo, type ServerFrame, type SubscribeItem } from '../protocol/index.ts';
import { loseOwnTopic } from './admission.ts';
import type { Line } from './line.ts';
import type { Joined, Memberships } from './memberships.ts';

/** One topic asked for, and the ref of the frame that asked. */
export type SubscribeRequest = { readonly item: SubscribeItem; readonly ref: string | null };

const REFUSALS = {
    forbidden: 'expected a topic you may read',
    too_many_subscriptions: 'expected fewer topics on one socket',
    internal: 'expected the topic to be joined, got a failure on our side: try again',
} as const;

/** Resolves once every request has its answer. A topic asked for twice is joined and then restarted. */
export async function answerSubscribe(
    requests: readonly SubscribeRequest[],
    memberships: Memberships,
    line: Line,
): Promise<void> {
    for (const run of runsOfDifferentTopics(requests)) {
        const started = run.map(({ item, ref }) => ({ item, ref, finish: start(item, memberships) }));
        for (const { item, ref, finish } of started) {
            if (!item.ok) line.say(malformed(item, ref));
            else if (finish !== null) {
                const joined = await finish();
                answerJoin(item.topic, ref, joined, line);
                if (!joined.ok && item.topic === memberships.ownTopic) loseOwnTopic(line);
            }
        }
    }
}

function start(item: SubscribeItem, memberships: Memberships): (() => Promise<Joined>) | null {
    return item.ok ? memberships.join(item.topic, item.since) : null;
}

/** Says what became of a join, and lets what follows it begin. */
export function answerJoin(topic: string, ref: string | null, joined: Joined, line: Line): void {
    if (joined.ok) {
        line.say({ type: 'subscribed', topic, ...joined.answer, ...echo(ref) });
        joined.subscription.advance();
    } else {
        line.say({ type: 'error', code: joined.code, message: REFUSALS[joined.code], topic, ...echo(ref) });
    }
}

function malformed({ topic, message }: SubscribeItem & { readonly ok: false }, ref: string | null): ServerFrame {
    return { type: 'error', code: 'bad_request', message, ...(topic === null ? {} : { topic }), ...echo(ref) };
}

function runsOfDifferentTopics(requests: readonly SubscribeRequest[]): SubscribeRequest[][] {
    const runs: SubscribeRequest[][] = [];
    let run: SubscribeRequest[] = [];
    let topics = new Set<string>();
    for (const request of requests) {
        const { item } = request;
        if (run.length === 0 || (item.ok && topics.has(item.topic))) {
            run = [];
            topics = new Set();
            runs.push(run);
        }
        run.push(request);
        if (item.ok) topics.add(item.topic);
    }
    return runs;
}

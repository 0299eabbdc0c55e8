/** Answers `subscribe` frames: one answer per topic, in the order asked, all of them pinned together. */

import { echo, encodeFrame, type SubscribeItem } from '../protocol/index.ts';
import type { Joined, Memberships } from './memberships.ts';

/** One topic asked for, and the ref of the frame that asked. */
export type SubscribeRequest = { readonly item: SubscribeItem; readonly ref: string | null };

/** Where answers go. */
export type AnswerPorts = {
    readonly memberships: Memberships;
    readonly control: (frame: string) => void;
    /** The own topic could not be restarted; a socket without it is of no use. */
    readonly onOwnTopicLost: () => void;
};

const REFUSALS = {
    forbidden: 'expected a topic you may read',
    too_many_subscriptions: 'expected fewer topics on one socket',
    internal: 'expected the topic to be joined, got a failure on our side: try again',
} as const;

/** Resolves once every request has its answer. A topic asked for twice is joined and then restarted. */
export async function answerSubscribe(requests: readonly SubscribeRequest[], ports: AnswerPorts): Promise<void> {
    for (const run of runsOfDifferentTopics(requests)) {
        const started = run.map(({ item, ref }) => ({ item, ref, finish: start(item, ports.memberships) }));
        for (const { item, ref, finish } of started) {
            if (item.ok && finish !== null) answer(item.topic, ref, await finish(), ports);
            else if (!item.ok) ports.control(malformed(item, ref));
        }
    }
}

function start(item: SubscribeItem, memberships: Memberships): (() => Promise<Joined>) | null {
    return item.ok ? memberships.join(item.topic, item.since) : null;
}

function answer(topic: string, ref: string | null, joined: Joined, ports: AnswerPorts): void {
    if (joined.ok) {
        ports.control(encodeFrame({ type: 'subscribed', topic, ...joined.answer, ...echo(ref) }));
        joined.subscription.advance();
        return;
    }
    ports.control(
        encodeFrame({ type: 'error', code: joined.code, message: REFUSALS[joined.code], topic, ...echo(ref) }),
    );
    if (topic === ports.memberships.ownTopic) ports.onOwnTopicLost();
}

function malformed({ topic, message }: SubscribeItem & { readonly ok: false }, ref: string | null): string {
    return encodeFrame({
        type: 'error',
        code: 'bad_request',
        message,
        ...(topic === null ? {} : { topic }),
        ...echo(ref),
    });
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

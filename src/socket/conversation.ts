/** The frames of one authenticated socket, handled one after the other in the order they came. */

import { type ClientFrame, echo, encodeFrame, type ServerFrame } from '../protocol/index.ts';
import { answerSubscribe, type SubscribeRequest } from './answer-subscribe.ts';
import type { Memberships } from './memberships.ts';

/** The socket as its conversation sees it. */
export type ConversationHost = {
    readonly memberships: Memberships;
    /** Whether frames are to be handled now: false while the socket does not read its answers, and after its end. */
    readonly listening: () => boolean;
    readonly control: (frame: string) => void;
    /** A new token has come on a live socket. */
    readonly renew: (token: string, ref: string | null) => Promise<void>;
    readonly onOwnTopicLost: () => void;
    readonly failed: (error: unknown) => void;
};

/** Works off a queue that others fill. */
export class Conversation {
    readonly #queue: ClientFrame[];
    readonly #host: ConversationHost;
    #busy = false;

    constructor(queue: ClientFrame[], host: ConversationHost) {
        this.#queue = queue;
        this.#host = host;
    }

    /** Goes on with the queue, unless it is being worked off. Call it when a frame came or the socket listens again. */
    async proceed(): Promise<void> {
        if (this.#busy) return;
        this.#busy = true;
        try {
            while (this.#host.listening()) {
                const frame = this.#queue.shift();
                if (frame === undefined) break;
                await this.#handle(frame);
            }
        } catch (error) {
            this.#host.failed(error);
        } finally {
            this.#busy = false;
        }
    }

    async #handle(frame: ClientFrame): Promise<void> {
        switch (frame.type) {
            case 'ping':
                this.#say({ type: 'pong', ...echo(frame.ref) });
                break;
            case 'invalid':
                this.#complain(frame.message, frame.topic, frame.ref);
                break;
            case 'unsubscribe':
                this.#unsubscribe(frame.topic, frame.ref);
                break;
            case 'auth':
                await this.#host.renew(frame.token, frame.ref);
                break;
            case 'subscribe':
                await answerSubscribe(this.#withFollowing(frame), this.#host);
                break;
        }
    }

    /** A `subscribe` together with those queued right behind it: they share a query. */
    #withFollowing(frame: ClientFrame): SubscribeRequest[] {
        const requests: SubscribeRequest[] = [];
        let next: ClientFrame | undefined = frame;
        while (next?.type === 'subscribe') {
            const { items, ref } = next;
            requests.push(...items.map((item) => ({ item, ref })));
            next = this.#queue[0]?.type === 'subscribe' ? this.#queue.shift() : undefined;
        }
        return requests;
    }

    #unsubscribe(topic: string, ref: string | null): void {
        const { memberships } = this.#host;
        if (topic === memberships.ownTopic) {
            this.#complain('expected a topic other than your own user topic', topic, ref);
        } else if (memberships.leave(topic)) {
            this.#say({ type: 'unsubscribed', topic, reason: 'requested', ...echo(ref) });
        } else {
            const message = 'expected a topic this socket is subscribed to';
            this.#say({ type: 'error', code: 'not_subscribed', message, topic, ...echo(ref) });
        }
    }

    #complain(message: string, topic: string | null, ref: string | null): void {
        this.#say({ type: 'error', code: 'bad_request', message, ...(topic === null ? {} : { topic }), ...echo(ref) });
    }

    #say(frame: ServerFrame): void {
        this.#host.control(encodeFrame(frame));
    }
}

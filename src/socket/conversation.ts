/** The frames of one socket: kept until its user is known, then handled one after the other in the order they came. */

import { CLOSE, type ClientFrame, echo, QUEUE_MAX_BEFORE_AUTH } from '../protocol/index.ts';
import { renew } from './admission.ts';
import { answerSubscribe, type SubscribeRequest } from './answer-subscribe.ts';
import type { Credentials } from './credentials.ts';
import type { Line } from './line.ts';
import type { Memberships } from './memberships.ts';

/** What a conversation works with. */
export type ConversationPorts = {
    readonly line: Line;
    readonly credentials: Credentials;
    readonly failed: (error: unknown) => void;
};

/** Frames kept once it has begun, while an answer is under way or the peer reads too slowly. */
const QUEUE_MAX = 1024;
const RETRY_MS = 1000;

/** One per socket. */
export class Conversation {
    readonly #ports: ConversationPorts;
    readonly #queue: ClientFrame[] = [];
    #memberships: Memberships | null = null;
    #busy = false;

    constructor(ports: ConversationPorts) {
        this.#ports = ports;
    }

    /** Takes a frame; one too many ends the socket. */
    receive(frame: ClientFrame): void {
        const { line } = this.#ports;
        const begun = this.#memberships !== null;
        if (this.#queue.length < (begun ? QUEUE_MAX : QUEUE_MAX_BEFORE_AUTH)) {
            this.#queue.push(frame);
            this.proceed();
        } else if (begun) {
            const message = 'expected frames not to come faster than their answers';
            line.fail('rate_limited', message, CLOSE.rateLimited, { retryAfterMs: RETRY_MS });
        } else {
            const message = `expected at most ${QUEUE_MAX_BEFORE_AUTH} frames before authentication ends`;
            line.fail('bad_request', message, CLOSE.protocolViolation);
        }
    }

    /** The user is known and welcomed: what was kept is handled, and whatever comes. */
    begin(memberships: Memberships): void {
        this.#memberships = memberships;
        this.proceed();
    }

    /** Goes on with the queue, unless it is being worked off. Call it when the peer reads its answers again. */
    proceed(): void {
        if (this.#memberships !== null && !this.#busy) void this.#workOff(this.#memberships);
    }

    /** Nothing more is handled. */
    end(): void {
        this.#queue.length = 0;
    }

    async #workOff(memberships: Memberships): Promise<void> {
        this.#busy = true;
        try {
            while (this.#ports.line.flowing) {
                const frame = this.#queue.shift();
                if (frame === undefined) break;
                await this.#handle(frame, memberships);
            }
        } catch (error) {
            this.#ports.failed(error);
        } finally {
            this.#busy = false;
        }
    }

    async #handle(frame: ClientFrame, memberships: Memberships): Promise<void> {
        const { line, credentials } = this.#ports;
        switch (frame.type) {
            case 'ping':
                line.say({ type: 'pong', ...echo(frame.ref) });
                break;
            case 'invalid':
                this.#complain(frame.message, frame.topic, frame.ref);
                break;
            case 'unsubscribe':
                this.#unsubscribe(frame.topic, frame.ref, memberships);
                break;
            case 'auth':
                await renew(frame.token, frame.ref, credentials, line);
                break;
            case 'subscribe':
                await answerSubscribe(this.#withFollowing(frame), memberships, line);
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

    #unsubscribe(topic: string, ref: string | null, memberships: Memberships): void {
        const { line } = this.#ports;
        if (topic === memberships.ownTopic) {
            this.#complain('expected a topic other than your own user topic', topic, ref);
        } else if (memberships.leave(topic)) {
            line.say({ type: 'unsubscribed', topic, reason: 'requested', ...echo(ref) });
        } else {
            const message = 'expected a topic this socket is subscribed to';
            line.say({ type: 'error', code: 'not_subscribed', message, topic, ...echo(ref) });
        }
    }

    #complain(message: string, topic: string | null, ref: string | null): void {
        const about = topic === null ? {} : { topic };
        this.#ports.line.say({ type: 'error', code: 'bad_request', message, ...about, ...echo(ref) });
    }
}

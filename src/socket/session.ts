/** One connection, from its upgrade to its end, without knowing the transport. */

import { randomUUID } from 'node:crypto';
import { type Identity, UNAUTHORIZED_MESSAGE, type Verifier } from '../auth/index.ts';
import {
    CLOSE,
    type ClientFrame,
    type CloseCode,
    echo,
    encodeFrame,
    parseClientFrame,
    QUEUE_MAX_BEFORE_AUTH,
    type ServerFrame,
    type SocketErrorCode,
} from '../protocol/index.ts';
import type { Cancel } from './clock.ts';
import { Conversation } from './conversation.ts';
import { Credentials, type Verdict } from './credentials.ts';
import { Memberships, type SocketPorts } from './memberships.ts';
import { Outflow } from './outflow.ts';
import type { Wire } from './wire.ts';

/**
 * ```
 *  silent ──token──▶ verifying ──it is good──▶ joining ──user:<sub> pinned──▶ open
 *    └───────────────────┴────────────────────────┴──── ended by either side ──▶ closed
 * ```
 */
export type SessionState = 'silent' | 'verifying' | 'joining' | 'open' | 'closed';

/** What a session needs beside the ports all share. */
export type SessionPorts = SocketPorts & {
    readonly verifier: Verifier;
    /** Has `flush` called at the end of this turn. */
    readonly onDirty: (session: Session) => void;
    readonly onClosed: (session: Session) => void;
};

/** Frames kept for an open socket while an answer is under way or it reads too slowly. */
const QUEUE_MAX = 1024;

/** Made by `createSessions().open`. */
export class Session {
    readonly id: string = randomUUID();
    readonly #wire: Wire;
    readonly #ports: SessionPorts;
    readonly #out: Outflow;
    readonly #credentials: Credentials;
    readonly #queue: ClientFrame[] = [];
    #state: SessionState = 'silent';
    #memberships: Memberships | null = null;
    #conversation: Conversation | null = null;
    #heardMs: number;
    #cancelDeadline: Cancel = () => undefined;

    constructor(wire: Wire, ports: SessionPorts) {
        const { clock, observe, settings, verifier } = ports;
        this.#wire = wire;
        this.#ports = ports;
        this.#heardMs = clock.nowMs();
        this.#out = new Outflow(wire, {
            connection: this.id,
            clock,
            observe,
            settings,
            onDirty: () => ports.onDirty(this),
            onResumed: () => this.#resume(),
            onHopeless: () => this.close(CLOSE.hopelesslySlow, 'too slow'),
        });
        this.#credentials = new Credentials({
            address: wire.address,
            verifier,
            clock,
            observe,
            onExpired: () => this.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized),
        });
    }

    get state(): SessionState {
        return this.#state;
    }

    /** When the peer was last heard from. */
    get heardMs(): number {
        return this.#heardMs;
    }

    /** Bytes the peer has not taken yet. */
    get bufferedBytes(): number {
        return this.#wire.bufferedBytes();
    }

    /** Begins: with the token of the upgrade, or (null) by waiting for the first message. `where` names the token's place. */
    start(token: string | null, where: string): void {
        const { clock, settings, observe } = this.#ports;
        observe({ type: 'socket.opened', connection: this.id, address: this.#wire.address });
        this.#cancelDeadline = clock.after(settings.authDeadlineMs, () => {
            this.#credentials.missing('deadline');
            this.fail(
                'unauthorized',
                `expected authentication within ${settings.authDeadlineMs} ms`,
                CLOSE.noAuthInTime,
            );
        });
        if (token !== null) void this.#authenticate(token, where, null);
    }

    /** A text frame has come. The place of a rate limit is here, before anything is parsed. */
    receive(text: string): void {
        if (this.#state === 'closed') return;
        this.heard();
        const frame = parseClientFrame(text);
        if (this.#state === 'silent') this.#receiveFirst(frame);
        else this.#enqueue(frame);
    }

    /** Something other than a text frame has come. */
    receiveBinary(): void {
        this.fail('bad_request', 'expected a text frame, got a binary one', CLOSE.protocolViolation);
    }

    /** The peer gave a sign of life: a whole frame, not just bytes. */
    heard(): void {
        this.#heardMs = this.#ports.clock.nowMs();
    }

    /** The transport has room again. Not to be called from within the transport's own callback. */
    drained(): void {
        if (this.#state !== 'closed') this.#out.drained();
    }

    /** Hands over what was said this turn. */
    flush(): void {
        if (this.#state !== 'closed') this.#out.flush();
    }

    /** The database has begun another epoch. */
    epochChanged(): void {
        this.#memberships?.epochChanged();
    }

    /** The connection is gone. */
    gone(code: number): void {
        this.#end(code);
    }

    /** Says why, then closes; `ref` is that of the frame it answers, if it answers one. */
    fail(code: SocketErrorCode, message: string, closeCode: CloseCode, ref: string | null = null): void {
        this.#say({ type: 'error', code, message, ...echo(ref) });
        this.close(closeCode, code);
    }

    /** Sends what is left and closes. */
    close(code: CloseCode, reason: string): void {
        if (this.#state === 'closed') return;
        this.#out.flush();
        this.#end(code);
        this.#wire.close(code, reason);
    }

    #receiveFirst(frame: ClientFrame): void {
        if (frame.type === 'auth') {
            void this.#authenticate(frame.token, 'message', frame.ref);
            return;
        }
        this.#credentials.missing('message');
        this.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized, frame.ref);
    }

    #enqueue(frame: ClientFrame): void {
        const open = this.#state === 'open';
        if (this.#queue.length < (open ? QUEUE_MAX : QUEUE_MAX_BEFORE_AUTH)) {
            this.#queue.push(frame);
            void this.#conversation?.proceed();
        } else if (open) {
            this.fail('rate_limited', 'expected frames not to come faster than their answers', CLOSE.rateLimited);
        } else {
            const message = `expected at most ${QUEUE_MAX_BEFORE_AUTH} frames before authentication ends`;
            this.fail('bad_request', message, CLOSE.protocolViolation);
        }
    }

    async #authenticate(token: string, where: string, ref: string | null): Promise<void> {
        this.#state = 'verifying';
        const verdict = await this.#credentials.present(token, where);
        if (this.#is('closed')) return;
        this.#cancelDeadline();
        if (typeof verdict === 'string') this.#turnAway(verdict, ref);
        else await this.#join(verdict.identity, ref).catch((error: unknown) => this.#broke(error));
    }

    async #renew(token: string, ref: string | null): Promise<void> {
        const verdict = await this.#credentials.present(token, 'message');
        if (verdict === 'refused') this.#turnAway(verdict, ref);
        else if (verdict === 'unknown')
            this.#say({ type: 'error', code: 'internal', message: UNCHECKED, ...echo(ref) });
        else this.#say({ type: 'authenticated', expiresAt: isoOf(verdict.identity), ...echo(ref) });
    }

    #turnAway(verdict: Verdict & string, ref: string | null): void {
        if (verdict === 'refused') this.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized, ref);
        else this.fail('internal', UNCHECKED, CLOSE.tryAgainLater, ref);
    }

    async #join(identity: Identity, ref: string | null): Promise<void> {
        this.#state = 'joining';
        const memberships = this.#makeMemberships(identity.userId);
        this.#memberships = memberships;
        const joined = await memberships.join(memberships.ownTopic, null)();
        if (this.#is('closed')) return;
        if (!joined.ok) {
            this.#loseOwnTopic();
            return;
        }
        const { seq, epoch } = joined.answer;
        this.#welcome(identity, { topic: memberships.ownTopic, seq, epoch }, ref);
        joined.subscription.advance();
        this.#state = 'open';
        this.#conversation = this.#makeConversation(memberships);
        void this.#conversation.proceed();
    }

    #welcome(identity: Identity, own: { topic: string; seq: number; epoch: string }, ref: string | null): void {
        const { heartbeatMs, wsMaxMessageBytes, wsMaxSubscriptions, replayLimit } = this.#ports.settings;
        this.#say({
            type: 'welcome',
            connection: this.id,
            userId: identity.userId,
            expiresAt: isoOf(identity),
            heartbeatMs,
            limits: { messageBytes: wsMaxMessageBytes, subscriptions: wsMaxSubscriptions, replay: replayLimit },
            topics: [own],
            ...echo(ref),
        });
    }

    #makeMemberships(userId: string): Memberships {
        return new Memberships(userId, this.#ports, {
            accepting: () => this.#out.flowing && this.#state !== 'closed',
            push: (item, owner) => this.#out.push(item, owner),
            flush: () => this.flush(),
            revoked: (topic) => this.#say({ type: 'unsubscribed', topic, reason: 'revoked' }),
            failed: (error) => this.#broke(error),
        });
    }

    #makeConversation(memberships: Memberships): Conversation {
        return new Conversation(this.#queue, {
            memberships,
            listening: () => this.#state === 'open' && this.#out.flowing,
            control: (frame) => this.#control(frame),
            renew: (token, ref) => this.#renew(token, ref),
            onOwnTopicLost: () => this.#loseOwnTopic(),
            failed: (error) => this.#broke(error),
        });
    }

    /** A socket without its user's topic is of no use: the client comes back for it. */
    #loseOwnTopic(): void {
        this.fail('internal', 'expected your user topic to be joined, got a failure: try again', CLOSE.tryAgainLater);
    }

    #broke(error: unknown): void {
        this.#ports.observe({ type: 'handler.failed', where: 'session', error });
        this.fail('internal', 'expected the frame to be handled, got a failure on our side', CLOSE.internal);
    }

    #say(frame: ServerFrame): void {
        this.#control(encodeFrame(frame));
    }

    #control(frame: string): void {
        if (this.#state !== 'closed') this.#out.control(frame);
    }

    #resume(): void {
        this.#memberships?.advance();
        void this.#conversation?.proceed();
    }

    #is(state: SessionState): boolean {
        return this.#state === state;
    }

    #end(code: number): void {
        if (this.#state === 'closed') return;
        this.#state = 'closed';
        this.#cancelDeadline();
        this.#credentials.stop();
        this.#out.stop();
        this.#memberships?.end();
        this.#queue.length = 0;
        const userId = this.#credentials.identity?.userId ?? null;
        this.#ports.observe({ type: 'socket.closed', connection: this.id, userId, code });
        this.#ports.onClosed(this);
    }
}

const UNCHECKED = 'expected to be able to check the token, got a failure: try again';

function isoOf({ expiresAtMs }: Identity): string {
    return new Date(expiresAtMs).toISOString();
}

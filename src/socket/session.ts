/** One connection, from its upgrade to its end, without knowing the transport. */

import { randomUUID } from 'node:crypto';
import { UNAUTHORIZED_MESSAGE, type Verifier } from '../auth/index.ts';
import { CLOSE, type ClientFrame, type CloseCode, parseClientFrame } from '../protocol/index.ts';
import { admit } from './admission.ts';
import type { Cancel } from './clock.ts';
import { Conversation } from './conversation.ts';
import { Credentials } from './credentials.ts';
import { Line } from './line.ts';
import { DISCONNECTED_MESSAGE, Memberships, type SocketPorts } from './memberships.ts';
import type { Burst } from './message-limit.ts';
import { Pace } from './pace.ts';
import { hasRoom } from './room.ts';
import type { Turnstile } from './turnstile.ts';
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
    /** Whose turn it is to be admitted: those who come at once leave room for everything else. */
    readonly turnstile: Turnstile;
    /** Has `flush` called at the end of this turn. */
    readonly onDirty: (session: Session) => void;
    readonly onClosed: (session: Session) => void;
};

/** Made by `createSessions().open`. */
export class Session {
    readonly id: string = randomUUID();
    readonly #address: string;
    readonly #ports: SessionPorts;
    readonly #line: Line;
    readonly #credentials: Credentials;
    readonly #conversation: Conversation;
    readonly #pace: Pace;
    #state: SessionState = 'silent';
    #memberships: Memberships | null = null;
    #heardMs: number;
    #cancelDeadline: Cancel = () => undefined;

    constructor(wire: Wire, ports: SessionPorts) {
        const { clock, observe, settings, verifier } = ports;
        this.#address = wire.address;
        this.#ports = ports;
        this.#heardMs = clock.nowMs();
        this.#line = new Line(wire, {
            connection: this.id,
            clock,
            observe,
            settings,
            onDirty: () => ports.onDirty(this),
            onResumed: () => this.#resume(),
            onEnded: (code) => this.#ended(code),
        });
        this.#credentials = new Credentials({
            address: wire.address,
            verifier,
            clock,
            observe,
            onExpired: () => this.#line.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized),
        });
        this.#pace = new Pace(this.#line, {
            rate: settings.wsRate,
            heartbeatMs: settings.heartbeatMs,
            clock,
            onBurst: (what, burst) => this.#observeLimit(what, burst),
        });
        this.#conversation = new Conversation({
            line: this.#line,
            credentials: this.#credentials,
            failed: (error) => this.#broke(error),
        });
    }

    get state(): SessionState {
        return this.#state;
    }

    /** Whether it has ever brought a good token. */
    get isIdentified(): boolean {
        return this.#credentials.identity !== null;
    }

    /** When the peer was last heard from. */
    get heardMs(): number {
        return this.#heardMs;
    }

    /** Bytes the peer has not taken yet. */
    get bufferedBytes(): number {
        return this.#line.bufferedBytes;
    }

    /** Begins: with the token of the upgrade, or (null) by waiting for the first message. `where` names the token's place. */
    start(token: string | null, where: string): void {
        const { clock, settings, observe } = this.#ports;
        observe({ type: 'socket.opened', connection: this.id, address: this.#address });
        this.#cancelDeadline = clock.after(settings.authDeadlineMs, () => {
            this.#credentials.missing('deadline');
            const message = `expected authentication within ${settings.authDeadlineMs} ms`;
            this.#line.fail('unauthorized', message, CLOSE.noAuthInTime);
        });
        if (token !== null) void this.#enter(token, where, null);
    }

    /** A text frame has come. */
    receive(text: string): void {
        if (this.#state === 'closed') return;
        this.heard();
        const frame = parseClientFrame(text);
        if (!this.#pace.admits(frame)) return;
        if (this.#state === 'silent') this.#receiveFirst(frame);
        else this.#conversation.receive(frame);
    }

    /** Something other than a text frame has come. */
    receiveBinary(): void {
        this.#line.fail('bad_request', 'expected a text frame, got a binary one', CLOSE.protocolViolation);
    }

    /** A ping of the protocol has come, which the transport has answered. */
    pinged(): void {
        this.heard();
        this.#pace.pinged();
    }

    /** A pong of the protocol has come, be it the answer to a ping of the transport or unasked. */
    ponged(): void {
        this.heard();
        this.#pace.ponged();
    }

    /** The peer gave a sign of life: a whole frame, not just bytes. */
    heard(): void {
        this.#heardMs = this.#ports.clock.nowMs();
    }

    /** The transport has room again: its peer reads. Not to be called from within the transport's own callback. */
    drained(): void {
        this.heard();
        this.#line.drained();
    }

    /** Hands over what was said this turn. */
    flush(): void {
        this.#line.flush();
    }

    /** The connection is gone. */
    gone(code: number): void {
        this.#line.gone(code);
    }

    /** Sends what is left and closes. */
    close(code: CloseCode, reason: string): void {
        this.#line.close(code, reason);
    }

    #receiveFirst(frame: ClientFrame): void {
        if (frame.type === 'auth') {
            void this.#enter(frame.token, 'message', frame.ref);
            return;
        }
        this.#credentials.missing('message');
        this.#line.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized, { ref: frame.ref });
    }

    async #enter(token: string, where: string, ref: string | null): Promise<void> {
        this.#state = 'verifying';
        try {
            await this.#ports.turnstile();
            const admitted = await admit(
                { token, where, ref },
                {
                    connection: this.id,
                    line: this.#line,
                    credentials: this.#credentials,
                    settings: this.#ports.settings,
                    hasEnded: () => this.#state === 'closed',
                    hasRoom: ({ userId }) => this.#findsRoom(userId),
                    onIdentified: ({ userId }) => this.#identified(userId),
                },
            );
            if (admitted) this.#open();
        } catch (error) {
            this.#broke(error);
        }
    }

    #findsRoom(userId: string): boolean {
        if (hasRoom(this.#ports, userId)) return true;
        this.#observeLimit('connections', { refused: 1, lastedMs: 0 }, userId);
        return false;
    }

    #observeLimit(
        what: 'messages' | 'pings' | 'connections',
        burst: Burst,
        userId = this.#credentials.identity?.userId ?? null,
    ): void {
        const who = { connection: this.id, userId, address: this.#address };
        this.#ports.observe({ type: 'socket.limited', ...who, what, ...burst });
    }

    #identified(userId: string): Memberships {
        this.#cancelDeadline();
        this.#state = 'joining';
        const line = this.#line;
        this.#memberships = new Memberships(userId, this.#ports, {
            accepting: () => line.flowing,
            push: (item, owner) => line.push(item, owner),
            flush: () => line.flush(),
            revoked: (topic, reason) => line.say({ type: 'unsubscribed', topic, reason }),
            disconnected: () => line.fail('forbidden', DISCONNECTED_MESSAGE, CLOSE.disconnected),
            failed: (error) => this.#broke(error),
        });
        return this.#memberships;
    }

    #open(): void {
        if (this.#memberships === null || this.#state !== 'joining') return;
        this.#state = 'open';
        this.#conversation.begin(this.#memberships);
    }

    #broke(error: unknown): void {
        this.#ports.observe({ type: 'handler.failed', where: 'session', error });
        this.#line.fail('internal', 'expected the frame to be handled, got a failure on our side', CLOSE.internal);
    }

    #resume(): void {
        this.#memberships?.advance();
        this.#conversation.proceed();
    }

    #ended(code: number): void {
        this.#state = 'closed';
        this.#cancelDeadline();
        this.#pace.end();
        this.#credentials.stop();
        this.#memberships?.end();
        this.#conversation.end();
        const userId = this.#credentials.identity?.userId ?? null;
        this.#ports.observe({ type: 'socket.closed', connection: this.id, userId, code });
        this.#ports.onClosed(this);
    }
}

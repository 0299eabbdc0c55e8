/** One stream of server-sent events from its request to its end: joins what was asked for, and has nothing else to do. */

import { randomUUID } from 'node:crypto';
import { type Identity, UNAUTHORIZED_MESSAGE, type Verifier } from '../auth/index.ts';
import type { Topic } from '../event.ts';
import { CLOSE, type CloseCode, type RevocationReason, type Since } from '../protocol/index.ts';
import { answerJoin } from './answer-subscribe.ts';
import type { Cancel } from './clock.ts';
import type { Connection, Connections } from './connections.ts';
import { Credentials } from './credentials.ts';
import type { Starts } from './event-positions.ts';
import type { EventStream } from './event-stream.ts';
import { Line } from './line.ts';
import { DISCONNECTED_MESSAGE, type Joined, Memberships, type SocketPorts } from './memberships.ts';

/** What such a session needs beside the ports all share. */
export type EventSessionPorts = SocketPorts & {
    readonly verifier: Verifier;
    readonly connections: Connections;
};

/** A topic and how its answer is had. */
type Joining = { readonly topic: Topic; readonly finish: () => Promise<Joined> };

/** `joining ──every topic has its answer──▶ open ──by either side, or no topic is left──▶ closed` */
export class EventSession implements Connection {
    readonly id: string = randomUUID();
    /** Nothing can be heard of a client that only reads; whether it reads is watched by its line. */
    readonly heardMs: number = Number.POSITIVE_INFINITY;
    readonly #stream: EventStream;
    readonly #ports: EventSessionPorts;
    readonly #line: Line;
    readonly #credentials: Credentials;
    readonly #memberships: Memberships;
    readonly #identity: Identity;
    #state: 'joining' | 'open' | 'closed' = 'joining';
    #cancelBeat: Cancel = () => undefined;

    constructor(stream: EventStream, identity: Identity, ports: EventSessionPorts) {
        const { clock, observe, settings, verifier, connections } = ports;
        this.#stream = stream;
        this.#ports = ports;
        this.#identity = identity;
        observe({ type: 'socket.opened', connection: this.id, address: stream.address });
        this.#line = new Line(stream, {
            connection: this.id,
            clock,
            observe,
            settings,
            onDirty: () => connections.soil(this),
            onResumed: () => this.#memberships.advance(),
            onEnded: (code) => this.#ended(code),
        });
        this.#credentials = new Credentials({
            address: stream.address,
            verifier,
            clock,
            observe,
            onExpired: () => this.#line.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized),
        });
        this.#memberships = new Memberships(identity.userId, ports, {
            accepting: () => this.#line.flowing,
            push: (item, owner) => this.#line.push(item, owner),
            flush: () => this.#line.flush(),
            revoked: (topic, reason) => this.#revoked(topic, reason),
            disconnected: () => this.#line.fail('forbidden', DISCONNECTED_MESSAGE, CLOSE.disconnected),
            failed: (error) => this.#broke(error),
        });
    }

    get bufferedBytes(): number {
        return this.#line.bufferedBytes;
    }

    /** Begins: joins all topics with one query, and says their answers in order. */
    start(starts: Starts): void {
        this.#ports.connections.add(this);
        this.#credentials.adopt(this.#identity);
        this.#beatLater();
        const started = [...starts].map(([topic, since]) => this.#join(topic, since));
        void this.#answer(started).catch((error: unknown) => this.#broke(error));
    }

    flush(): void {
        this.#line.flush();
    }

    /** The transport has room again. Not to be called from within the transport's own callback. */
    drained(): void {
        this.#line.drained();
    }

    /** Ends before it has begun. */
    giveUp(): void {
        this.#line.close(CLOSE.tryAgainLater, 'stopping');
    }

    /** The client is gone. */
    gone(code: number): void {
        this.#line.gone(code);
    }

    close(code: CloseCode, reason: string): void {
        this.#line.close(code, reason);
    }

    #join(topic: Topic, since: Since): Joining {
        return { topic, finish: this.#memberships.join(topic, since) };
    }

    async #answer(started: readonly Joining[]): Promise<void> {
        for (const { topic, finish } of started) {
            const joined = await finish();
            answerJoin(topic, null, joined, this.#line);
            // It can't be asked for again on this stream: the client is to come back for it.
            if (!joined.ok && joined.code === 'internal') this.#line.close(CLOSE.tryAgainLater, joined.code);
        }
        if (this.#state === 'closed') return;
        this.#state = 'open';
        this.#endIfIdle();
    }

    #revoked(topic: Topic, reason: RevocationReason): void {
        this.#line.say({ type: 'unsubscribed', topic, reason });
        if (this.#state === 'open') this.#endIfIdle();
    }

    #endIfIdle(): void {
        if (this.#memberships.size === 0) this.#line.close(CLOSE.nothingToRead, 'no topic is left');
    }

    #beatLater(): void {
        const { clock, settings } = this.#ports;
        this.#cancelBeat = clock.after(settings.heartbeatMs, () => {
            this.#stream.ping();
            this.#beatLater();
        });
    }

    #broke(error: unknown): void {
        this.#ports.observe({ type: 'handler.failed', where: 'stream', error });
        this.#line.fail('internal', 'expected the stream to go on, got a failure on our side', CLOSE.internal);
    }

    #ended(code: number): void {
        this.#state = 'closed';
        this.#cancelBeat();
        this.#credentials.stop();
        this.#memberships.end();
        const { userId } = this.#identity;
        this.#ports.observe({ type: 'socket.closed', connection: this.id, userId, code });
        this.#ports.connections.delete(this);
    }
}

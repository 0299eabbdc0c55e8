/** A log in memory: the topics, epochs and floors of the real one, without a database. */

import { kindOf, type LoggedEvent, RESET_EVENT } from '../../src/event.ts';
import type { Batch } from '../../src/fanout/index.ts';
import type { Pin, PinRequest, TopicLog, TopicPage } from '../../src/store/topic-log.ts';

/** What a test may say of an event. */
export type Appended = Partial<Pick<LoggedEvent, 'event' | 'data' | 'actorId' | 'requestId' | 'traceparent'>>;

export class MemoryLog implements TopicLog {
    epoch = 'k1';
    gseq = 0;
    /** Calls so far. */
    readonly pinned: PinRequest[][] = [];
    readonly reads: string[] = [];
    /** Awaited before an answer is given: lets a test hold one back. */
    gate: () => Promise<void> = async () => undefined;
    readonly #topics = new Map<string, LoggedEvent[]>();
    readonly #heads = new Map<string, number>();
    readonly #floors = new Map<string, number>();
    readonly #denied = new Set<string>();

    /** Holds answers back until the function it returns is called. */
    hold(): () => void {
        const { promise, resolve } = withResolvers();
        this.gate = () => promise;
        return () => {
            this.gate = async () => undefined;
            resolve();
        };
    }

    /** Adds an event and gives the batch the tail would hand on. */
    append(topic: string, { event = 'thing.happened', data = '{}', ...rest }: Appended = {}): Batch {
        const seq = this.head(topic) + 1;
        this.gseq += 1;
        const row: LoggedEvent = {
            gseq: this.gseq,
            topic,
            seq,
            id: String(this.gseq),
            event,
            at: '2026-11-22T10:00:00.000Z',
            actorId: null,
            requestId: null,
            traceparent: null,
            ...rest,
            data,
        };
        this.#heads.set(topic, seq);
        const rows = this.#topics.get(topic);
        if (rows === undefined) this.#topics.set(topic, [row]);
        else rows.push(row);
        return { events: [row], epoch: this.epoch, gseq: this.gseq };
    }

    appendMany(topic: string, count: number): Batch {
        const events = Array.from({ length: count }, () => this.append(topic).events).flat();
        return { events, epoch: this.epoch, gseq: this.gseq };
    }

    /** Something was lost in a topic. */
    reset(topic: string): Batch {
        return this.append(topic, { event: RESET_EVENT, data: '{"reason":"capture_error"}' });
    }

    /** Something was lost in a kind. */
    floor(kind: string | null): Batch {
        const batch = this.append('tidings:control', {
            event: 'tidings.floor',
            data: JSON.stringify({ kind, reason: 'capture_error' }),
        });
        this.#floors.set(kind ?? '*', batch.gseq);
        return batch;
    }

    /** Retention: everything up to `seq` is gone. */
    forget(topic: string, seq: number): void {
        this.#topics.set(
            topic,
            (this.#topics.get(topic) ?? []).filter((row) => row.seq > seq),
        );
    }

    /** Another epoch begins, with nothing in it. */
    newEpoch(epoch: string): void {
        this.epoch = epoch;
        this.#topics.clear();
        this.#heads.clear();
        this.#floors.clear();
    }

    deny(userId: string, topic: string): void {
        this.#denied.add(`${userId} ${topic}`);
    }

    allow(userId: string, topic: string): void {
        this.#denied.delete(`${userId} ${topic}`);
    }

    /** The access row of a change that `deny` or `allow` made; topic null: all of the user's. */
    access(user: string, topic: string | null, reason = 'revoked'): Batch {
        return this.append('tidings:access', {
            event: 'tidings.access',
            data: JSON.stringify({ user, topic, reason }),
        });
    }

    disconnect(user: string): Batch {
        return this.append('tidings:control', { event: 'tidings.disconnect', data: JSON.stringify({ user }) });
    }

    head(topic: string): number {
        return this.#heads.get(topic) ?? 0;
    }

    async pin(requests: readonly PinRequest[]): Promise<readonly Pin[]> {
        this.pinned.push([...requests]);
        const pins = this.pinNow(requests);
        await this.gate();
        return pins;
    }

    /** The snapshot of `pin`, without its wait. */
    pinNow(requests: readonly PinRequest[]): readonly Pin[] {
        return requests.map((request) => this.#pinOne(request));
    }

    async read(topic: string, after: number, upto: number, limit: number): Promise<TopicPage> {
        this.reads.push(`${topic} ${after}..${upto}`);
        const events = this.readNow(topic, after, upto, limit);
        const page = { epoch: this.epoch, events, upto: events.length === limit ? (events.at(-1)?.seq ?? upto) : upto };
        await this.gate();
        return page;
    }

    /** The snapshot of `read`, without its wait. */
    readNow(topic: string, after: number, upto: number, limit: number): readonly LoggedEvent[] {
        return (this.#topics.get(topic) ?? []).filter(({ seq }) => seq > after && seq <= upto).slice(0, limit);
    }

    #pinOne({ userId, topic, since }: PinRequest): Pin {
        const kind = kindOf(topic);
        const allowed =
            kind === 'user'
                ? topic === `user:${userId}`
                : kind === 'project' && !this.#denied.has(`${userId} ${topic}`);
        const head = allowed ? this.head(topic) : 0;
        const rows = (this.#topics.get(topic) ?? []).filter(({ seq }) => seq > (since ?? 0));
        const whole = since !== null && since <= head && rows.length === head - since;
        return {
            allowed,
            head,
            epoch: this.#epochOf(kind),
            gseq: this.gseq,
            resumable: whole && !rows.some(({ event }) => event === RESET_EVENT),
        };
    }

    #epochOf(kind: string): string {
        const floor = Math.max(this.#floors.get(kind) ?? 0, this.#floors.get('*') ?? 0);
        return floor === 0 ? this.epoch : `${this.epoch}.${floor}`;
    }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
        resolve = done;
    });
    return { promise, resolve };
}

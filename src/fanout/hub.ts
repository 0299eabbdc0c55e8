/** Topics to sinks: each row of a batch is handed to everyone who reads its topic, and kept for who comes a little later. */

import {
    ACCESS_TOPIC,
    CONTROL_TOPIC,
    isInboxEvent,
    kindOf,
    type LoggedEvent,
    RESERVED_KIND,
    type Topic,
} from '../event.ts';
import type { RevocationReason } from '../protocol/index.ts';
import { type Delivery, parseObject, readReason, toDelivery } from './delivery.ts';
import type { Ring } from './ring.ts';
import type { Floor, Sink } from './sink.ts';

/** A piece of the stream as the tail read it: in `gseq` order, of one base epoch, `gseq` that of its last row. */
export type Batch = { readonly events: readonly LoggedEvent[]; readonly epoch: string; readonly gseq: number };

/** Someone's right to read changed: to one topic, or (null) to any. `reason` is what they are told if it is gone. */
export type AccessChange = {
    readonly userId: string;
    readonly topic: Topic | null;
    readonly gseq: number;
    readonly reason: RevocationReason;
};

/** What the engine's own rows ask for, called at their place in the stream. */
export type HubCallbacks = {
    readonly onAccess?: (change: AccessChange) => void;
    readonly onDisconnect?: (userId: string) => void;
    /** Someone was erased from the log: what was read from it before must not be shown any more. */
    readonly onForgotten?: () => void;
    /** Who is behind the pseudonym that a row about someone who was forgotten carries. */
    readonly userBehind?: (pseudonym: string) => string | undefined;
};

/** Fan-out of one process. */
export type Hub = {
    /** From now on `sink` gets what is published on `topic`. */
    join(topic: Topic, sink: Sink): void;
    leave(topic: Topic, sink: Sink): void;
    /** Hands a batch on, in order. Sinks may join and leave meanwhile; one that throws is let go, the rest goes on. */
    publish(batch: Batch): void;
    /** How many sinks read a topic. */
    readers(topic: Topic): number;
};

/** Makes a hub without topics. Every row goes into `ring`, if there is one, before it goes to its readers. */
export function createHub(callbacks: HubCallbacks = {}, ring: Pick<Ring, 'add'> | null = null): Hub {
    const topics = new Map<Topic, Set<Sink>>();

    function join(topic: Topic, sink: Sink): void {
        const sinks = topics.get(topic);
        if (sinks === undefined) topics.set(topic, new Set([sink]));
        else sinks.add(sink);
    }

    function leave(topic: Topic, sink: Sink): void {
        const sinks = topics.get(topic);
        if (sinks?.delete(sink) && sinks.size === 0) topics.delete(topic);
    }

    function publish(batch: Batch): void {
        for (const event of batch.events) {
            if (event.topic.startsWith(`${RESERVED_KIND}:`)) {
                obey(event, batch.epoch);
                continue;
            }
            const sinks = topics.get(event.topic);
            // What nobody reads is not filled in; who comes later has it from the log, as it is then.
            if (sinks === undefined && (ring === null || isInboxEvent(event))) continue;
            const delivery = toDelivery(event, batch.epoch);
            ring?.add(delivery);
            if (sinks !== undefined) deliver(sinks, delivery);
        }
    }

    function deliver(sinks: Set<Sink>, delivery: Delivery): void {
        for (const sink of sinks) {
            try {
                sink.deliver(delivery);
            } catch (error) {
                leave(delivery.topic, sink);
                sink.failed(error);
            }
        }
    }

    function obey(event: LoggedEvent, base: string): void {
        if (event.topic === CONTROL_TOPIC && event.event === 'tidings.floor') raise(toFloor(event, base));
        if (event.topic === CONTROL_TOPIC && event.event === 'tidings.disconnect') disconnect(event);
        if (event.topic === CONTROL_TOPIC && event.event === 'tidings.forgotten') {
            callbacks.onForgotten?.();
            disconnect(event);
        }
        if (event.topic === ACCESS_TOPIC) changeAccess(event);
    }

    function raise(floor: Floor): void {
        for (const [topic, sinks] of topics) {
            if (floor.kind !== null && kindOf(topic) !== floor.kind) continue;
            for (const sink of sinks) {
                try {
                    sink.floor(floor);
                } catch (error) {
                    leave(topic, sink);
                    sink.failed(error);
                }
            }
        }
    }

    /** Whom a row is about: by name, or by the pseudonym of someone who was forgotten since. */
    function userOf(data: Readonly<Record<string, unknown>>): string | undefined {
        const { user, pseudonym } = data as { readonly user?: unknown; readonly pseudonym?: unknown };
        if (typeof user === 'string') return user;
        return typeof pseudonym === 'string' ? callbacks.userBehind?.(pseudonym) : undefined;
    }

    function disconnect(event: LoggedEvent): void {
        const user = userOf(parseObject(event.data));
        if (user !== undefined) callbacks.onDisconnect?.(user);
    }

    function changeAccess(event: LoggedEvent): void {
        const data = parseObject(event.data);
        const { topic, reason } = data as { readonly topic?: unknown; readonly reason?: unknown };
        const user = userOf(data);
        if (user === undefined) return;
        callbacks.onAccess?.({
            userId: user,
            topic: typeof topic === 'string' ? topic : null,
            gseq: event.gseq,
            reason: reason === 'deleted' ? 'deleted' : 'revoked',
        });
    }

    return { join, leave, publish, readers: (topic) => topics.get(topic)?.size ?? 0 };
}

/** A floor row that can't be read counts for every kind: one reset too many loses nothing. */
function toFloor(event: LoggedEvent, base: string): Floor {
    const { kind } = parseObject(event.data) as { readonly kind?: unknown };
    const epoch = `${base}.${event.gseq}`;
    return {
        kind: typeof kind === 'string' ? kind : null,
        gseq: event.gseq,
        base,
        epoch,
        reason: readReason(event.data),
    };
}

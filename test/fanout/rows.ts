/** Rows of a log as tests make them up. */

import type { LoggedEvent } from '../../src/event.ts';
import { type Delivery, toDelivery } from '../../src/fanout/index.ts';

/** An event; what a test does not say is the same for all. */
export function rowOf(topic: string, seq: number, more: Partial<LoggedEvent> = {}): LoggedEvent {
    return {
        gseq: seq,
        topic,
        seq,
        id: String(seq),
        event: 'task.updated',
        at: '2026-11-22T10:00:00.000Z',
        actorId: null,
        data: '{}',
        requestId: null,
        traceparent: null,
        ...more,
    };
}

/** The same on its way. */
export function deliveryOf(topic: string, seq: number, epoch = 'k1', data = '{}'): Delivery {
    return toDelivery(rowOf(topic, seq, { data }), epoch);
}

export function seqsOf(rows: readonly Delivery[] | null): readonly number[] | null {
    return rows === null ? null : rows.map(({ seq }) => seq);
}

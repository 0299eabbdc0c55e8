/** Follows the stream: reads everything after its cursor, whenever somebody says there may be more and once a second anyway. */

import { TidingsError } from '../errors.ts';
import type { LoggedEvent } from '../event.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';
import type { Cursor, StreamPage } from '../store/read-stream.ts';
import { LagMeter } from './lag.ts';

/** Events in stream order, the epoch they were read under, and the cursor after them. */
export type TailBatch = { readonly events: readonly LoggedEvent[]; readonly epoch: string; readonly gseq: number };

export type TailOptions = {
    /** Reads a page after the cursor; null: only where the stream is now. */
    readonly read: (cursor: Cursor | null, limit: number) => Promise<StreamPage>;
    readonly observe: Observe;
    /** Called with every batch, in order, never twice for an event. Must not throw. */
    readonly onBatch: (batch: TailBatch) => Promise<void> | void;
    /** Called when the database's epoch is another one: every position handed out is void. */
    readonly onEpoch: (epoch: string) => void;
    readonly close: () => Promise<void>;
    readonly fallbackMs?: number;
    readonly pageSize?: number;
};

/** The tail: a service that can be told there may be more. */
export type Tail = Service & {
    wake(): void;
    /** Tells it how far the stream is on the primary, where it reads from elsewhere: observed as its lag, once a second. */
    primaryAt(gseq: number): void;
    /** Rejects unless a read succeeded lately. */
    check(): Promise<void>;
    /** Where it is: everything up to here was handed on. */
    readonly gseq: number;
    readonly epoch: string;
};

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1000;
const LATE_MS = 5000;
const LAG_EVERY_MS = 1000;

/**
 * Makes a tail. `start` resolves once it knows where the stream is; what is numbered after that reaches `onBatch`.
 *
 * The cursor is a gseq: it only grows and becomes visible in order, so `gseq > cursor` never skips a row.
 */
export function createTail(options: TailOptions): Tail {
    const { read, observe, onBatch, onEpoch, close, fallbackMs = 1000, pageSize = 1000 } = options;
    let cursor: Cursor | null = null;
    let epoch = '';
    let hinted = false;
    let failures = 0;
    let readAtMs = Number.NEGATIVE_INFINITY;
    let lagShownMs = Number.NEGATIVE_INFINITY;
    let running: Promise<void> | undefined;
    const pause = createPause();
    const lag = new LagMeter();

    function adopt(page: StreamPage): void {
        const from = epoch;
        epoch = page.epoch;
        cursor = page.head;
        lag.forget();
        if (from !== '') {
            observe({ type: 'tail.epoch', from, to: epoch });
            onEpoch(epoch);
        }
    }

    /** Reads one page; true if there may be more at once. */
    async function step(): Promise<boolean> {
        hinted = false;
        const startedMs = performance.now();
        const page = await read(cursor, pageSize);
        failures = 0;
        readAtMs = performance.now();
        if (cursor === null || page.epoch !== epoch) {
            adopt(page);
            return true;
        }
        cursor = page.cursor;
        lag.reached(cursor.gseq);
        if (page.events.length > 0) {
            const tookMs = performance.now() - startedMs;
            observe({ type: 'tail.read', events: page.events.length, tookMs, gseq: cursor.gseq });
            await onBatch({ events: page.events, epoch, gseq: cursor.gseq });
        }
        return page.events.length === pageSize;
    }

    async function failed(error: unknown): Promise<void> {
        failures += 1;
        const retryInMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2);
        observe({ type: 'tail.failed', error, retryInMs });
        hinted = false;
        await pause.wait(retryInMs);
    }

    async function loop(): Promise<void> {
        while (!pause.ended) {
            try {
                if (!(await step()) && !hinted) {
                    await pause.wait(fallbackMs);
                }
            } catch (error) {
                if (!pause.ended) {
                    await failed(error);
                }
            }
        }
    }

    return {
        name: 'tail',
        wake() {
            hinted = true;
            pause.wake();
        },
        primaryAt(gseq) {
            const nowMs = performance.now();
            lag.heard(gseq, nowMs);
            if (nowMs - lagShownMs >= LAG_EVERY_MS) {
                lagShownMs = nowMs;
                observe({ type: 'tail.lag', ...lag.at(nowMs) });
            }
        },
        async check() {
            if (performance.now() - readAtMs > LATE_MS) {
                throw new TidingsError(
                    'unavailable',
                    `expected the stream to have been read within ${LATE_MS} ms, got no read`,
                );
            }
        },
        get gseq() {
            return cursor?.gseq ?? 0;
        },
        get epoch() {
            return epoch;
        },
        async start() {
            if (running === undefined) {
                await step();
                running = loop();
            }
        },
        async stop() {
            pause.end();
            await running;
            await close();
        },
    };
}

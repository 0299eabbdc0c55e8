/** The past of a topic for whoever asks: from memory if it is there, else from the log, each piece read once for all. */

import type { Observe } from '../observe.ts';
import type { TopicLog } from '../store/topic-log.ts';
import type { Delivery } from './delivery.ts';
import { PAGE_ROWS, PageReader } from './page-reader.ts';
import type { PageLimits, Timers } from './page-store.ts';
import type { Range, Ring } from './ring.ts';

/** Reads of the past. What is answered begins with the range's first row and may end before its last; never beyond. */
export type Replay = {
    /** At once, if memory has the range's first row; else null. */
    recall(range: Range): readonly Delivery[] | null;
    /**
     * From the log. Rows that don't begin with the range's first are proof that it is gone; null: the log is of another
     * epoch than the range, so nothing can be said. Rejects if the log can't be read.
     */
    read(range: Range): Promise<readonly Delivery[] | null>;
    /** Forgets everything: another epoch has begun, or someone was erased. A read under way is kept for two seconds. */
    clear(): void;
};

/** What a replay reads from. Somebody else fills the ring. */
export type ReplayPorts = {
    readonly ring: Ring;
    readonly log: Pick<TopicLog, 'read'>;
    readonly observe: Observe;
    readonly timers?: Timers;
    readonly limits?: PageLimits;
};

/** How long the tail may take to bring a row that is numbered already, before the log is asked for it. */
const TAIL_GRACE_MS = 25;

const PAGE_LIMITS: PageLimits = { bytes: 32 * 1024 * 1024, idleMs: 2000 };

const SYSTEM_TIMERS: Timers = {
    nowMs: () => performance.now(),
    after: (delayMs, run) => void setTimeout(run, delayMs).unref(),
};

/** Makes a reader over a ring and a log. */
export function createReplay(ports: ReplayPorts): Replay {
    const { ring, log, observe, timers = SYSTEM_TIMERS, limits = PAGE_LIMITS } = ports;
    const pages = new PageReader({ log, observe, timers, limits });

    function recall(range: Range): readonly Delivery[] | null {
        const recent = ring.read(range, PAGE_ROWS);
        const rows = recent.length > 0 ? recent : pages.kept(range);
        return rows.length > 0 ? rows : null;
    }

    async function read(range: Range): Promise<readonly Delivery[] | null> {
        if (ring.awaits(range)) {
            await new Promise<void>((resolve) => void timers.after(TAIL_GRACE_MS, resolve));
            const come = recall(range);
            if (come !== null) return come;
        }
        return await pages.read(range);
    }

    function clear(): void {
        ring.clear();
        pages.clear();
    }

    return { recall, read, clear };
}

/** Reads the log in pages that all readers share: a page is asked for once, however many want it and from wherever in it. */

import type { Observe } from '../observe.ts';
import type { TopicLog } from '../store/topic-log.ts';
import { type Delivery, toDelivery } from './delivery.ts';
import { type Page, type PageLimits, PageStore, type Timers } from './page-store.ts';
import type { Range } from './ring.ts';

/** What pages are read with. */
export type PageReaderPorts = {
    readonly log: Pick<TopicLog, 'read'>;
    readonly observe: Observe;
    readonly timers: Timers;
    readonly limits: PageLimits;
};

/** Rows in a page at most; it begins after a multiple of this, so readers at different places ask for the same pages. */
export const PAGE_ROWS = 500;

/** A read under way, of what comes after `after` in its page; null if the log turned out to be of another epoch. */
type Flight = { readonly after: number; readonly landed: Promise<Page | null> };

/**
 * The first reader of a page has it read from where it stands: most have missed a few events of a topic nobody else asks
 * for. One who stands before that has it read from its beginning, which serves whoever else comes.
 */
export class PageReader {
    readonly #ports: PageReaderPorts;
    readonly #pages: PageStore;
    readonly #flights = new Map<string, Flight>();

    constructor(ports: PageReaderPorts) {
        this.#ports = ports;
        this.#pages = new PageStore(ports.timers, ports.limits);
    }

    /** Rows from the range's first on, if a page that was read lately has that one; else none. */
    kept(range: Range): readonly Delivery[] {
        const page = this.#pages.get(keyOf(range));
        const rows = page === null ? [] : rowsOf(page, range);
        return rows[0]?.seq === range.after + 1 ? rows : [];
    }

    /** What the log has of a range's start, read after this was asked; null if the log is of another epoch. */
    async read(range: Range): Promise<readonly Delivery[] | null> {
        const early = this.#flights.get(keyOf(range));
        if (early !== undefined && early.after <= range.after) {
            // It began before this was asked, so rows may be missing in it; those it has are good.
            await early.landed;
            const rows = this.kept(range);
            if (rows.length > 0) return rows;
        }
        for (;;) {
            const page = await this.#join(range).landed;
            if (page === null) return null;
            if (range.after < page.upto) return rowsOf(page, range);
        }
    }

    clear(): void {
        this.#pages.clear();
    }

    /** The flight under way, if it brings the range's start, or a new one. */
    #join(range: Range): Flight {
        const key = keyOf(range);
        const begun = this.#flights.get(key);
        if (begun !== undefined && begun.after <= range.after) return begun;
        const other = begun ?? this.#pages.get(key);
        const after = other !== null && range.after < other.after ? startOf(range) : range.after;
        const flight: Flight = { after, landed: this.#fetch(range, after) };
        this.#flights.set(key, flight);
        const land = () => {
            if (this.#flights.get(key) === flight) this.#flights.delete(key);
        };
        flight.landed.then(land, (error: unknown) => {
            land();
            this.#ports.observe({ type: 'handler.failed', where: 'replay', error });
        });
        return flight;
    }

    async #fetch(range: Range, after: number): Promise<Page | null> {
        const { log, observe, timers } = this.#ports;
        const { topic, base } = range;
        const end = startOf(range) + PAGE_ROWS;
        const startedMs = timers.nowMs();
        const { epoch, events, upto } = await log.read(topic, after, end, end - after);
        observe({ type: 'replay.read', topic, events: events.length, tookMs: timers.nowMs() - startedMs });
        if (epoch !== base) return null;
        const rows = events.map((event) => toDelivery(event, base));
        const page = { after, upto, rows, bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) };
        // Two reads of a page may end in another order than they began in.
        if (!hasAll(this.#pages.get(keyOf(range)), page)) this.#pages.put(keyOf(range), page);
        return page;
    }
}

function startOf({ after }: Range): number {
    return after - (after % PAGE_ROWS);
}

function keyOf(range: Range): string {
    return `${range.base} ${startOf(range)} ${range.topic}`;
}

/** Whether what is kept of a page has every row that was read of it. */
function hasAll(kept: Page | null, read: Page): boolean {
    if (kept === null || kept.after > read.after) return false;
    return (kept.rows.at(-1)?.seq ?? 0) >= (read.rows.at(-1)?.seq ?? read.upto);
}

/** The rows of a page that are of a range. */
function rowsOf({ rows }: Page, { after, upto }: Range): readonly Delivery[] {
    return rows.filter(({ seq }) => seq > after && seq <= upto);
}

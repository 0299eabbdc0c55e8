/** Writers that know what became of everything they wrote: committed, rolled back, or unknown because the connection died. */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool } from '../../src/store/pool.ts';
import { ROOMS } from './rooms.ts';

/** What one write was: it put an event named by its key on each of these topics, in one transaction. */
export type Write = { readonly key: string; readonly topics: readonly string[]; readonly endedMs: number };

/** All that was written so far. */
export type Written = {
    readonly committed: readonly Write[];
    readonly unknown: readonly Write[];
    readonly rolledBack: readonly Write[];
};

/** Writers at work. */
export type Writers = {
    readonly written: Written;
    /** Resolves when so many more were committed. */
    more(count: number): Promise<void>;
    /** Lets every writer end its write. */
    stop(): Promise<void>;
};

/** `perSecond` writes over all writers together, as far as the database keeps up. */
export type WritersOptions = {
    readonly writers?: number;
    readonly perSecond?: number;
    readonly topics?: readonly string[];
};

const ROLLED_BACK = '22012';

/** Starts writing to the database at a URL. */
export function startWriters(url: string, options: WritersOptions = {}): Writers {
    const { writers = 4, perSecond = 200, topics = ROOMS } = options;
    const written = { committed: [] as Write[], unknown: [] as Write[], rolledBack: [] as Write[] };
    const pauseMs = (1000 * writers) / perSecond;
    const stopping = new AbortController();
    const run = randomBytes(3).toString('hex');

    /** Every 7th writes to two topics, every 11th rolls back. */
    async function write(sql: Pool, writer: number, n: number): Promise<void> {
        const key = `${run}-${writer}.${n}`;
        const first = (writer + n) % topics.length;
        const chosen = n % 7 === 0 ? [first, (first + 1) % topics.length] : [first];
        const names = [...new Set(chosen.map((place) => topics[place] ?? ''))];
        const divisor = n % 11 === 0 ? 0 : 1;
        const done = () => ({ key, topics: names, endedMs: performance.now() });
        try {
            await sql`
                select tidings.emit(t, 'test.written', jsonb_build_object('key', ${key}::text)), 1 / ${divisor}::int
                from jsonb_array_elements_text(${JSON.stringify(names)}::text::jsonb) t`;
            written.committed.push(done());
        } catch (error) {
            const { code } = error as { code?: string };
            written[code === ROLLED_BACK ? 'rolledBack' : 'unknown'].push(done());
            if (code !== ROLLED_BACK) await delay(50);
        }
    }

    async function work(writer: number): Promise<void> {
        const sql = createPool(url, { name: 'fault writer', max: 1, deadlineMs: 5000 });
        for (let n = 1; !stopping.signal.aborted; n += 1) {
            const dueMs = performance.now() + pauseMs;
            await write(sql, writer, n);
            await delay(Math.max(0, dueMs - performance.now()), undefined, { signal: stopping.signal }).catch(
                () => undefined,
            );
        }
        await sql.end();
    }

    const running = Array.from({ length: writers }, (_, writer) => work(writer));
    return {
        written,
        async more(count) {
            const goal = written.committed.length + count;
            const lastMs = performance.now() + 30_000;
            while (written.committed.length < goal) {
                if (performance.now() > lastMs)
                    throw new Error(`expected ${count} more commits within 30 s, got fewer`);
                await delay(10);
            }
        },
        async stop() {
            stopping.abort();
            await Promise.all(running);
        },
    };
}

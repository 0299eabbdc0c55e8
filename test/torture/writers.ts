/** Services that write rows with plain transactions, and know what became of each. */

import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { ROWS, topicOf } from './domain.ts';
import type { History, Transaction, Write } from './history.ts';

/** Writers at work. */
export type Writers = { stop(): Promise<void> };

/** What they write with. `pauseMs` is how long a transaction stays open now and then. */
export type WritersOptions = {
    readonly url: string;
    readonly count: number;
    readonly perSecond: number;
    readonly pauseMs: number;
    readonly random: () => number;
    readonly history: Pick<History, 'transactions'>;
};

/** Starts them. Each has a connection of its own, opened again when it is lost. */
export function startWriters({ url, count, perSecond, pauseMs, random, history }: WritersOptions): Writers {
    const stopping = new AbortController();
    const restMs = (1000 * count) / perSecond;

    /** One to three rows in any order, so that some deadlock; a fifth hold still in the middle, a tenth roll back. */
    async function write(client: pg.Client, name: string): Promise<void> {
        const key = `${name}@${performance.now()}`;
        const writes: Write[] = [];
        let outcome: Transaction['outcome'] = 'rolledBack';
        try {
            await client.query('begin');
            for (let n = 1 + Math.floor(random() * 3); n > 0; n -= 1) {
                writes.push(await touch(client, key));
                if (random() < 0.2) await delay(random() * pauseMs);
            }
            await client.query('insert into demo.done values ($1)', [key]);
            if (random() < 0.1) await client.query('rollback');
            else {
                outcome = 'unknown';
                await client.query('commit');
                outcome = 'committed';
            }
        } catch (error) {
            if (outcome === 'rolledBack') await client.query('rollback').catch(() => undefined);
            history.transactions.push({ key, writes, outcome, endedMs: performance.now() });
            throw error;
        }
        history.transactions.push({ key, writes, outcome, endedMs: performance.now() });
    }

    async function touch(client: pg.Client, key: string): Promise<Write> {
        const row = 1 + Math.floor(random() * ROWS);
        const { rows } = await client.query<{ room: number; version: number }>(
            'update demo.item set version = version + 1, key = $2 where id = $1 returning room, version',
            [row, key],
        );
        return { key, row, topic: topicOf(rows[0]?.room ?? -1), version: rows[0]?.version ?? -1 };
    }

    async function work(writer: number): Promise<void> {
        let client: pg.Client | null = null;
        for (let n = 0; !stopping.signal.aborted; n += 1) {
            try {
                client ??= await connect(url);
                await write(client, `${writer}.${n}`);
            } catch {
                // Whatever it was, a fresh connection knows nothing of it.
                void client?.end().catch(() => undefined);
                client = null;
                await delay(50);
            }
            await delay(restMs * 2 * random(), undefined, { signal: stopping.signal }).catch(() => undefined);
        }
        await client?.end().catch(() => undefined);
    }

    const running = Array.from({ length: count }, (_, writer) => work(writer));
    return {
        async stop() {
            stopping.abort();
            await Promise.all(running);
        },
    };
}

async function connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({
        connectionString: url,
        application_name: 'torture writer',
        statement_timeout: 5000,
        query_timeout: 8000,
        connectionTimeoutMillis: 3000,
        options: '-c deadlock_timeout=50ms',
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
}

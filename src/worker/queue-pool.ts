/** The connections of graphile-worker, which wants them of `pg`. */

import { type Client, Pool, type PoolClient } from 'pg';
import { readDatabaseUrl } from '../database-url.ts';
import type { Observe } from '../observe.ts';
import { SERVER_ROLE, SERVER_TCP } from '../store/connect.ts';

export type QueuePool = {
    readonly pool: Pool;
    /** Ends every connection, whatever is asked on it. */
    cut(): void;
};

const MAX = 4;
/** A database that takes a connection and says nothing would hold up the worker for good. */
const CONNECT_TIMEOUT_MS = 5000;

/** Opens the pool. Nothing is connected until something is asked. */
export function createQueuePool(databaseUrl: string, observe: Observe): QueuePool {
    const { url, tls } = readDatabaseUrl(databaseUrl);
    const clients = new Set<PoolClient>();
    const pool = new Pool({
        connectionString: url,
        ssl: tls,
        max: MAX,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        application_name: 'tidings worker',
        options: Object.entries({ ...SERVER_TCP, role: SERVER_ROLE })
            .map(([name, value]) => `-c ${name}=${value}`)
            .join(' '),
        keepAlive: true,
    });
    pool.on('error', (error) => observe({ type: 'service.failed', service: 'worker', error }));
    pool.on('connect', (client) => {
        client.on('error', () => undefined);
        clients.add(client);
    });
    pool.on('remove', (client) => clients.delete(client));
    return {
        pool,
        cut() {
            // What a pool hands out is a client, though its type leaves out how to end it.
            for (const client of clients) void (client as unknown as Client).end().catch(() => undefined);
        },
    };
}

/** Connections for libraries that want them of `pg`. */

import { type Client, Pool, type PoolClient } from 'pg';
import { readDatabaseUrl } from '../database-url.ts';
import type { Observe } from '../observe.ts';
import { SERVER_ROLE, SERVER_TCP } from './connect.ts';

/** The pool, and its end. */
export type PgPool = {
    readonly pool: Pool;
    /** Ends every connection, whatever is asked on it. */
    cut(): void;
};

/** `name` is shown in `pg_stat_activity`, and is that of the service what befalls idle connections is told of. */
export type PgPoolOptions = { readonly name: string; readonly max: number; readonly observe: Observe };

/** A database that takes a connection and says nothing would hold up the worker for good. */
const CONNECT_TIMEOUT_MS = 5000;

/** Opens the pool. Nothing is connected until something is asked. */
export function createPgPool(databaseUrl: string, { name, max, observe }: PgPoolOptions): PgPool {
    const { url, tls } = readDatabaseUrl(databaseUrl);
    const clients = new Set<PoolClient>();
    const pool = new Pool({
        connectionString: url,
        ssl: tls,
        max,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        application_name: `tidings ${name}`,
        options: Object.entries({ ...SERVER_TCP, role: SERVER_ROLE })
            .map(([setting, value]) => `-c ${setting}=${value}`)
            .join(' '),
        keepAlive: true,
    });
    pool.on('error', (error) => observe({ type: 'service.failed', service: name, error }));
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

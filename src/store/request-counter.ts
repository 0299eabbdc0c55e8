/** Counts requests of all servers in one table, by rate-limiter-flexible. */

import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { Rate } from '../config/values.ts';
import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import { createPgPool } from './pg-pool.ts';

/** What stands in the window of a key, and when it ends. */
export type Count = { readonly counted: number; readonly resetMs: number };

/** Adds to the count of a key. */
export type CountRequests = (key: string, requests: number) => Promise<Count>;

const POOL_SIZE = 2;

/** Makes the counter; as a service it only ends its connections. */
export function createRequestCounter(
    databaseUrl: string,
    { count, perMs }: Rate,
    observe: Observe,
): Service & { readonly count: CountRequests } {
    const { pool, cut } = createPgPool(databaseUrl, { name: 'limits', max: POOL_SIZE, observe });
    const limiter = new RateLimiterPostgres({
        storeClient: pool,
        storeType: 'pool',
        schemaName: 'tidings',
        tableName: 'rate_limit',
        tableCreated: true,
        keyPrefix: 'rest',
        points: count,
        duration: perMs / 1000,
    });
    return {
        name: 'limits',
        start: async () => undefined,
        async stop() {
            cut();
            await pool.end().catch(() => undefined);
        },
        async count(key, requests) {
            const { consumedPoints, msBeforeNext } = await limiter.penalty(key, requests);
            return { counted: consumedPoints, resetMs: msBeforeNext };
        },
    };
}

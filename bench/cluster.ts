/** A throw-away PostgreSQL 18 with the engine in it, durable as in production unless told otherwise. */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { createEmbedded } from '../src/embedded/index.ts';
import { ENGINE, migrateUp } from '../src/migrate/index.ts';

/** A cluster under measurement. */
export type Cluster = {
    readonly url: string;
    readonly dataDir: string;
    readonly sql: Sql;
    stop(): Promise<void>;
};

/** Room for a run without checkpoints in the middle. */
const SETTINGS = { max_connections: '200', shared_buffers: '1GB', max_wal_size: '8GB', autovacuum: 'on' };

export async function startCluster(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
    await chmod(dataDir, 0o711);
    const embedded = createEmbedded({ dataDir, settings: { ...SETTINGS, ...settings } });
    await embedded.start();
    await migrateUp(embedded.databaseUrl, [ENGINE]);
    const sql = postgres(embedded.databaseUrl, { max: 4, onnotice: () => undefined });
    return {
        url: embedded.databaseUrl,
        dataDir,
        sql,
        async stop() {
            await sql.end();
            await embedded.stop();
            await rm(dataDir, { recursive: true, force: true });
        },
    };
}

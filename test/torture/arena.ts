/** Where a run takes place: one PostgreSQL that can crash, servers on it, and the domain. */

import { readFileSync, realpathSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { createEmbedded } from '../../src/embedded/index.ts';
import { ENGINE, migrateUp } from '../../src/migrate/index.ts';
import { createPool, type Pool } from '../../src/store/pool.ts';
import { createDomain } from './domain.ts';
import { type Server, startServer } from './servers.ts';

/** A run's database and servers. */
export type Arena = {
    readonly url: string;
    /** Survives a database that crashes, which the driver by itself does not. */
    readonly sql: Pool;
    readonly servers: readonly Server[];
    /** Ends PostgreSQL as a crash does, and starts it again. */
    crashDatabase(): Promise<void>;
    stop(): Promise<void>;
};

/** `alter` is run on the database before servers come: a mutant of the engine's SQL. */
export type ArenaOptions = {
    readonly servers: number;
    /** By how much each event is made longer. */
    readonly padBytes?: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly alter?: (sql: Sql) => Promise<void>;
};

const SETTINGS = { max_connections: '200', fsync: 'off', deadlock_timeout: '50ms' };

/** Builds an arena; `stop` leaves nothing behind. */
export async function buildArena({ servers: count, padBytes = 0, env = {}, alter }: ArenaOptions): Promise<Arena> {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidings-torture-'));
    await chmod(dataDir, 0o711);
    let embedded = createEmbedded({ dataDir, settings: SETTINGS });
    await embedded.start();
    const url = embedded.databaseUrl;
    await migrateUp(url, [ENGINE]);
    const sql = createPool(url, { name: 'torture', max: 6, deadlineMs: 10_000 });
    const setup = postgres(url, { max: 1, onnotice: () => undefined });
    await createDomain(setup, padBytes);
    await alter?.(setup);
    await setup.end();
    // A run that dies takes its database along.
    process.once('exit', () => endDatabase(dataDir));
    const servers = await Promise.all(Array.from({ length: count }, () => startServer(url, env)));
    return {
        url,
        sql,
        servers,
        async crashDatabase() {
            const pid = endDatabase(dataDir);
            while (pid !== null && isAlive(pid)) await delay(20);
            await embedded.stop();
            embedded = createEmbedded({ dataDir, settings: SETTINGS });
            await embedded.start();
        },
        async stop() {
            await Promise.all(servers.map((server) => server.stop()));
            await sql.end();
            await embedded.stop();
            await rm(dataDir, { recursive: true, force: true });
        },
    };
}

/** Does what `pg_ctl stop -m immediate` does; answers whom it told. */
function endDatabase(dataDir: string): number | null {
    try {
        const pid = Number(
            readFileSync(join(realpathSync(join(dataDir, 'postgres')), 'postmaster.pid'), 'utf8').split('\n')[0],
        );
        process.kill(pid, 'SIGQUIT');
        return pid;
    } catch {
        return null;
    }
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}

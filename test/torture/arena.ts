/** Where a run takes place: one PostgreSQL that can crash, servers on it, and the domain. */

import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { createEmbedded } from '../../src/embedded/index.ts';
import { ENGINE, migrateUp } from '../../src/migrate/index.ts';
import { createDomain } from './domain.ts';
import { type Server, startServer } from './servers.ts';

/** A run's database and servers. */
export type Arena = {
    readonly url: string;
    readonly sql: Sql;
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
    const sql = postgres(url, { max: 4, onnotice: () => undefined, connect_timeout: 5 });
    await createDomain(sql, padBytes);
    await alter?.(sql);
    const servers = await Promise.all(Array.from({ length: count }, () => startServer(url, env)));
    return {
        url,
        sql,
        servers,
        async crashDatabase() {
            const [row] = await sql<{ directory: string }[]>`select current_setting('data_directory') as directory`;
            const pid = Number((await readFile(join(row?.directory ?? '', 'postmaster.pid'), 'utf8')).split('\n')[0]);
            // What `pg_ctl stop -m immediate` sends.
            process.kill(pid, 'SIGQUIT');
            while (isAlive(pid)) await delay(20);
            await embedded.stop();
            embedded = createEmbedded({ dataDir, settings: SETTINGS });
            await embedded.start();
        },
        async stop() {
            await Promise.all(servers.map((server) => server.stop()));
            await sql.end({ timeout: 2 });
            await embedded.stop();
            await rm(dataDir, { recursive: true, force: true });
        },
    };
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}

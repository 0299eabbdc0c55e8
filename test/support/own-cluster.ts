/** A PostgreSQL of a test's own, with the engine in it, that may be stopped as a power cut would and started again. */

import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { findBinaries } from '../../src/embedded/binaries.ts';
import { createEmbedded } from '../../src/embedded/index.ts';
import { type Postmaster, type PostmasterOptions, startPostmaster } from '../../src/embedded/postmaster.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import { findSystemUser } from '../../src/embedded/system-user.ts';
import { ENGINE, migrateUp } from '../../src/migrate/index.ts';
import { makeDataDirectory, removeDataDirectory } from './data-directory.ts';

/** A PostgreSQL on a data directory that is there already. */
export type Postgres = {
    /** Ends it at once, as `pg_ctl stop -m immediate`. */
    crash(): Promise<void>;
    /** Ends it in good order. */
    halt(): Promise<void>;
    /** Starts it again, on the same port; resolves when it takes connections, after recovery. */
    start(): Promise<void>;
};

/** A cluster of one's own. */
export type OwnCluster = Postgres & {
    readonly url: string;
    /** Where its `postgres` directory is. */
    readonly dataDir: string;
    /** A superuser's connections, of which a crash ends what is under way. */
    readonly sql: Sql;
    /** Ends it for good and removes its data. */
    remove(): Promise<void>;
};

/** Makes one. What it has written outlives a crash of its processes, which is all that is done to it. */
export async function startOwnCluster(settings: Readonly<Record<string, string>> = {}): Promise<OwnCluster> {
    const dataDir = await makeDataDirectory();
    const embedded = createEmbedded({ dataDir, settings: { fsync: 'off' } });
    await embedded.start();
    const url = embedded.databaseUrl;
    await migrateUp(url, [ENGINE]);
    await embedded.stop();
    const cluster = await startPostgres({
        directory: await realpath(join(dataDir, 'postgres')),
        port: Number(new URL(url).port),
        logFile: join(dataDir, 'postgres.log'),
        settings: { fsync: 'off', ...settings },
    });
    const sql = postgres(url, { max: 4, onnotice: () => undefined });
    return {
        ...cluster,
        url,
        dataDir,
        sql,
        async remove() {
            await sql.end({ timeout: 1 });
            await cluster.halt();
            await removeDataDirectory(dataDir);
        },
    };
}

/** Where and how a PostgreSQL is to run. */
export type PostgresPlace = Pick<PostmasterOptions, 'directory' | 'port' | 'logFile' | 'settings'>;

const START_TRIES = 20;

/** Starts PostgreSQL on a data directory. */
export async function startPostgres(place: PostgresPlace): Promise<Postgres> {
    const user = await findSystemUser();
    const program = (await findBinaries(user)).postgres;
    let running: Postmaster | null = null;

    async function start(): Promise<void> {
        for (let tries = 1; running === null; tries += 1) {
            try {
                running = await startPostmaster({ ...place, program, user, onExit: () => undefined });
            } catch (error) {
                // What is left of a crashed one holds its memory for a moment.
                if (tries === START_TRIES) throw error;
                await delay(100);
            }
        }
    }

    await start();
    return {
        start,
        async crash() {
            const [pid = ''] = (await readFile(join(place.directory, 'postmaster.pid'), 'utf8')).split('\n');
            process.kill(Number(pid), 'SIGQUIT');
            while (isAlive(Number(pid))) await delay(5);
            running = null;
        },
        async halt() {
            await running?.stop();
            running = null;
        },
    };
}

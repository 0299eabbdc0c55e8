/** The data directory of PostgreSQL: where it is, made by initdb the first time, freed of a server that was killed. */

import { chown, mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TidingsError } from '../errors.ts';
import type { Binaries } from './binaries.ts';
import { makeCluster } from './initdb.ts';
import { endPostmaster } from './postmaster.ts';
import { commandOf } from './process-identity.ts';
import { canReach, SHARED_DIRECTORY, type SystemUser } from './system-user.ts';

/** What it takes to make a cluster. */
export type ClusterOptions = {
    /** An existing directory, as a real path. */
    readonly dataDir: string;
    readonly binaries: Binaries;
    readonly user: SystemUser | null;
    /** The superuser's, used when the cluster is made. */
    readonly password: string;
};

/** Makes sure there is a cluster nobody runs, and returns the real path of its data directory. */
export async function prepareCluster(options: ClusterOptions): Promise<string> {
    const directory = await findPlace(options.dataDir, options.user);
    await endLeftover(directory);
    const made = await stat(join(directory, 'PG_VERSION')).catch(() => null);
    if (made === null) await makeCluster({ ...options, directory });
    return directory;
}

/** `DATA_DIR/postgres`, or what that links to, because the system user can't enter `DATA_DIR`. */
async function findPlace(dataDir: string, user: SystemUser | null): Promise<string> {
    const place = join(dataDir, 'postgres');
    const found = await realpath(place).catch(() => null);
    if (found !== null) return found;
    await unlink(place).catch(() => {});
    if (await canReach(user, dataDir)) {
        await mkdir(place, { mode: 0o700 });
        if (user !== null) await chown(place, user.uid, user.gid);
        return place;
    }
    const elsewhere = await makeElsewhere(dataDir, user);
    await symlink(elsewhere, place);
    return elsewhere;
}

async function makeElsewhere(dataDir: string, user: SystemUser | null): Promise<string> {
    try {
        await mkdir(SHARED_DIRECTORY, { recursive: true, mode: 0o755 });
        const elsewhere = await mkdtemp(join(SHARED_DIRECTORY, 'data-'));
        if (user !== null) await chown(elsewhere, user.uid, user.gid);
        return elsewhere;
    } catch (error) {
        const ways = 'set DATA_DIR to a directory it can enter, or set DATABASE_URL';
        const wanted = `expected PostgreSQL's system user to reach ${dataDir}, or ${SHARED_DIRECTORY} to be writable`;
        throw new TidingsError('failed', `${wanted}, got: ${messageOf(error)}; ${ways}`, { cause: error });
    }
}

/** A server that was killed leaves PostgreSQL running, or a pid file that names nobody or a stranger. */
async function endLeftover(directory: string): Promise<void> {
    const file = join(directory, 'postmaster.pid');
    const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
    if (Number.isNaN(pid)) return;
    const command = await commandOf(pid);
    if (command.includes('postgres') && command.includes(directory)) await endPostmaster(pid);
    await rm(file, { force: true });
}

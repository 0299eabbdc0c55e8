/** The system user PostgreSQL runs as when we are root, which it refuses to be, and what that user can reach. */

import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, TidingsError } from '../errors.ts';

/** Ids to start a process under. */
export type SystemUser = { readonly uid: number; readonly gid: number };

/** Where root puts what the system user can't reach in its own place. */
export const SHARED_DIRECTORY = '/var/lib/tidings';

const NAME = 'postgres';
const run = promisify(execFile);

/** The user `postgres` of this machine, made if root finds none; null if we aren't root and run PostgreSQL as ourselves. */
export async function findSystemUser(): Promise<SystemUser | null> {
    if (process.getuid?.() !== 0) return null;
    return (await lookUp()) ?? (await create());
}

/** Whether a user can read `path` and pass every directory on the way to it. */
export async function canReach(user: SystemUser | null, path: string): Promise<boolean> {
    if (user === null) return true;
    let current = await realpath(path);
    if (!(await hasRights(user, current, 5))) return false;
    while (current !== dirname(current)) {
        current = dirname(current);
        if (!(await hasRights(user, current, 1))) return false;
    }
    return true;
}

async function hasRights(user: SystemUser, path: string, rights: number): Promise<boolean> {
    const { mode, uid, gid } = await stat(path);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    return ((mode >> shift) & rights) === rights;
}

async function lookUp(): Promise<SystemUser | null> {
    try {
        const [uid, gid] = await Promise.all([run('id', ['-u', NAME]), run('id', ['-g', NAME])]);
        return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
        return null;
    }
}

async function create(): Promise<SystemUser> {
    try {
        await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', NAME]);
    } catch (error) {
        const found = await lookUp();
        if (found !== null) return found;
        throw new TidingsError(
            'failed',
            `expected to create the system user ${NAME}, because PostgreSQL doesn't run as root, got: ` +
                `${messageOf(error).trim()}; start as another user, or set DATABASE_URL`,
            { cause: error },
        );
    }
    const made = await lookUp();
    if (made === null) throw new TidingsError('failed', `expected the system user ${NAME} to exist, got none`);
    return made;
}

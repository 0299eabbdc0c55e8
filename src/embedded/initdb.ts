/** Makes a cluster: UTF-8, sorted by code point (alike on every machine), a password for everybody. */

import { execFile } from 'node:child_process';
import { chown, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf, TidingsError } from '../errors.ts';
import type { Binaries } from './binaries.ts';
import type { SystemUser } from './system-user.ts';

/** What PostgreSQL's programs find in their environment: nothing of ours, so no secret of the server's. */
export const POSTGRES_ENV: Readonly<Record<string, string>> = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

const run = promisify(execFile);

/** Fills an empty directory that belongs to `user`; `password` becomes the superuser's. */
export async function makeCluster(options: {
    readonly directory: string;
    readonly binaries: Binaries;
    readonly user: SystemUser | null;
    readonly password: string;
}): Promise<void> {
    const { directory, binaries, user, password } = options;
    // Not `-password`: that is where DATA_DIR keeps it.
    const passwordFile = `${directory}-initdb`;
    try {
        await writeFile(passwordFile, password, { mode: 0o600 });
        if (user !== null) await chown(passwordFile, user.uid, user.gid);
        await run(binaries.initdb, initdbArguments(directory, passwordFile), { ...user, cwd: '/', env: POSTGRES_ENV });
    } catch (error) {
        throw new TidingsError('failed', `expected initdb to make a database, got: ${messageOf(error)}`, {
            cause: error,
        });
    } finally {
        await rm(passwordFile, { force: true });
    }
}

function initdbArguments(directory: string, passwordFile: string): string[] {
    return [
        `--pgdata=${directory}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-sync',
        '--no-instructions',
    ];
}

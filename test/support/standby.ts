/** A hot standby, made as one can without pg_basebackup: a copy of the primary's files between backup start and stop. */

import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { choosePort } from '../../src/embedded/port.ts';
import { urlOf } from '../../src/embedded/running.ts';
import { findSystemUser, type SystemUser } from '../../src/embedded/system-user.ts';
import { type Postgres, startPostgres } from './own-cluster.ts';

/** A standby that streams from its primary. */
export type Standby = Postgres & {
    readonly url: string;
    /** Ends it for good and removes its data. */
    remove(): Promise<void>;
};

/** What is copied: a cluster of the same machine, whose files stand in `postgres` under `dataDir`. */
export type Primary = { readonly url: string; readonly dataDir: string };

/** Starts a standby, and waits until it answers. */
export async function startStandby(primary: Primary): Promise<Standby> {
    const root = await mkdtemp(join(tmpdir(), 'tidings-standby-'));
    const directory = join(root, 'postgres');
    await copy(primary, directory);
    await own(root, await findSystemUser());
    const port = await choosePort(root);
    const running = await startPostgres({
        directory,
        port,
        logFile: join(root, 'postgres.log'),
        settings: { max_connections: '200', primary_conninfo: conninfo(primary.url) },
    });
    return {
        ...running,
        url: urlOf(port, new URL(primary.url).password),
        async remove() {
            await running.halt();
            await rm(root, { recursive: true, force: true });
        },
    };
}

async function copy(primary: Primary, directory: string): Promise<void> {
    const from = await realpath(join(primary.dataDir, 'postgres'));
    const backup = postgres(primary.url, { max: 1, onnotice: () => undefined });
    await backup`select pg_backup_start('standby', true)`;
    await cp(from, directory, { recursive: true, filter: (path) => !path.endsWith('postmaster.pid') });
    const [stopped] = await backup`select labelfile from pg_backup_stop()`;
    await backup.end();
    await writeFile(join(directory, 'backup_label'), stopped?.['labelfile']);
    await writeFile(join(directory, 'standby.signal'), '');
}

function conninfo(url: string): string {
    const { hostname, port, password } = new URL(url);
    return `host=${hostname} port=${port} user=postgres password=${password}`;
}

async function own(root: string, user: SystemUser | null): Promise<void> {
    if (user === null) return;
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, root]);
    execFileSync('chmod', ['-R', 'go-rwx', root]);
}

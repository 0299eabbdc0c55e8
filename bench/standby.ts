/** A hot standby of a bench cluster, made as one can without pg_basebackup: a copy between backup start and stop. */

import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { findBinaries } from '../src/embedded/binaries.ts';
import { choosePort } from '../src/embedded/port.ts';
import { startPostmaster } from '../src/embedded/postmaster.ts';
import { urlOf } from '../src/embedded/running.ts';
import { findSystemUser } from '../src/embedded/system-user.ts';
import type { Cluster } from './cluster.ts';

/** A running standby. */
export type Standby = { readonly url: string; stop(): Promise<void> };

/** Starts a standby that streams from `primary`, and waits until it answers. */
export async function startStandby(primary: Cluster): Promise<Standby> {
    const root = await mkdtemp(join(tmpdir(), 'tidings-standby-'));
    const directory = join(root, 'postgres');
    const from = await realpath(join(primary.dataDir, 'postgres'));
    const user = await findSystemUser();
    const backup = postgres(primary.url, { max: 1 });
    await backup`select pg_backup_start('bench', true)`;
    await cp(from, directory, { recursive: true, filter: (path) => !path.endsWith('postmaster.pid') });
    const [stopped] = await backup`select labelfile from pg_backup_stop()`;
    await backup.end();
    await writeFile(join(directory, 'backup_label'), stopped?.['labelfile']);
    await writeFile(join(directory, 'standby.signal'), '');
    await own(root, user);
    const port = await choosePort(root);
    const postmaster = await startPostmaster({
        program: (await findBinaries(user)).postgres,
        directory,
        user,
        port,
        logFile: join(root, 'postgres.log'),
        settings: { max_connections: '200', primary_conninfo: conninfo(primary.url) },
        onExit: () => undefined,
    });
    return {
        url: urlOf(port, new URL(primary.url).password),
        async stop() {
            await postmaster.stop();
            await rm(root, { recursive: true, force: true });
        },
    };
}

function conninfo(url: string): string {
    const { hostname, port, password } = new URL(url);
    return `host=${hostname} port=${port} user=postgres password=${password}`;
}

async function own(root: string, user: { readonly uid: number; readonly gid: number } | null): Promise<void> {
    if (user === null) return;
    const { execFileSync } = await import('node:child_process');
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, root]);
    execFileSync('chmod', ['-R', 'go-rwx', root]);
}

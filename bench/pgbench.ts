/** Runs pgbench (of the machine, Debian's postgresql-contrib has it) in a process of its own and reads its answer. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What one run is. */
export type Load = {
    readonly url: string;
    readonly script: string;
    readonly clients: number;
    readonly seconds: number;
};

/** Transactions per second, connection time left out. Prepared statements, one thread per two clients at most 2. */
export async function pgbench({ url, script, clients, seconds }: Load): Promise<number> {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-pgbench-'));
    const file = join(directory, 'script.sql');
    await writeFile(file, script);
    try {
        const { stdout } = await run('pgbench', [
            ...['-n', '-M', 'prepared', '-f', file, '-c', String(clients), '-j', String(Math.min(2, clients))],
            ...['-T', String(seconds), url],
        ]);
        return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
    } finally {
        await rm(directory, { recursive: true });
    }
}

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
    const sorted = [...figures].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** One server per `DATA_DIR`: a file that names the process which holds it, and is void once that process is gone. */

import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { isAlive, startOf } from './process-identity.ts';
import { isCode } from './secret.ts';

/** A held lock. */
export type Lock = { release(): Promise<void> };

const holderSchema = z.object({ pid: z.number().int().positive(), start: z.string() });

/**
 * Takes the lock of a directory.
 *
 * @throws TidingsError `failed` if a live server holds it.
 */
export async function acquireLock(dataDir: string): Promise<Lock> {
    const file = lockFile(dataDir);
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, JSON.stringify({ pid: process.pid, start: await startOf(process.pid) }));
    try {
        await takeFile(draft, file, dataDir);
    } finally {
        await unlink(draft);
    }
    return { release: () => unlink(file).catch(() => {}) };
}

/** The id of the live process that holds the lock of a directory, null if there is none. */
export async function whoHolds(dataDir: string): Promise<number | null> {
    const written = await readFile(lockFile(dataDir), 'utf8').catch(() => '');
    const holder = holderSchema.safeParse(parse(written));
    if (!holder.success) return null;
    const { pid, start } = holder.data;
    return isAlive(pid) && (await startOf(pid)) === start ? pid : null;
}

async function takeFile(draft: string, file: string, dataDir: string): Promise<void> {
    try {
        await link(draft, file);
    } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
        const pid = await whoHolds(dataDir);
        if (pid !== null) throw taken(dataDir, pid);
        await unlink(file);
        await link(draft, file);
    }
}

function taken(dataDir: string, pid: number): TidingsError {
    const way = 'stop that one, or set another DATA_DIR';
    return new TidingsError('failed', `expected no other server on DATA_DIR ${dataDir}, got process ${pid}; ${way}`);
}

function lockFile(dataDir: string): string {
    return join(dataDir, 'server.lock');
}

function parse(json: string): unknown {
    try {
        return JSON.parse(json);
    } catch {
        return null;
    }
}

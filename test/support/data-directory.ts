/** Temporary `DATA_DIR`s for embedded databases of tests. */

import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new one, which PostgreSQL's system user may enter, so that the data stays in it. */
export async function makeDataDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-data-'));
    await chmod(directory, 0o711);
    return directory;
}

/** Removes one and its data, wherever they were put. */
export async function removeDataDirectory(directory: string): Promise<void> {
    const data = await realpath(join(directory, 'postgres')).catch(() => null);
    if (data !== null) await rm(data, { recursive: true });
    await rm(directory, { recursive: true });
}

/** Finds the embedded database of a server that runs, for the commands beside it. */

import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { TidingsError } from '../errors.ts';
import { whoHolds } from './lock.ts';
import { LOOPBACK, readPort } from './port.ts';
import { readSecret } from './secret.ts';

/**
 * The database and the key of the server that runs on a `DATA_DIR`.
 *
 * @throws TidingsError `failed` if none does.
 */
export async function findRunning(
    dataDir: string,
): Promise<{ readonly databaseUrl: string; readonly jwtSecret: string }> {
    const directory = await realpath(dataDir).catch(() => dataDir);
    const holder = await whoHolds(directory);
    const port = await readPort(directory);
    const password = await readSecret(join(directory, 'postgres-password'));
    const jwtSecret = await readSecret(join(directory, 'jwt-secret'));
    if (holder === null || port === null || password === null || jwtSecret === null) {
        const ways = 'start one with `npm start`, or set DATABASE_URL';
        throw new TidingsError('failed', `expected a server to run on DATA_DIR ${directory}, got none; ${ways}`);
    }
    return { databaseUrl: urlOf(port, password), jwtSecret };
}

/** The superuser's URL of the embedded database. */
export function urlOf(port: number, password: string): string {
    return `postgresql://postgres:${password}@${LOOPBACK}:${port}/tidings`;
}

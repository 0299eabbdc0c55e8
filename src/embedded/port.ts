/** The port of the embedded database: a free one, chosen once and kept, so that a URL noted down stays good. */

import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** PostgreSQL's only address in embedded mode. */
export const LOOPBACK = '127.0.0.1';

/** The port of the last start if it is still free, else one that is. */
export async function choosePort(dataDir: string): Promise<number> {
    const kept = await readPort(dataDir);
    return (kept !== null && (await tryPort(kept))) || freePort();
}

/** Notes the port for the next start and for commands that look for the database. */
export async function keepPort(dataDir: string, port: number): Promise<void> {
    await writeFile(join(dataDir, 'postgres-port'), String(port));
}

/** The port of the last start, null if there was none. */
export async function readPort(dataDir: string): Promise<number | null> {
    const port = Number(await readFile(join(dataDir, 'postgres-port'), 'utf8').catch(() => ''));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}

async function freePort(): Promise<number> {
    const port = await tryPort(0);
    if (port === null) throw new Error(`expected a free port on ${LOOPBACK}, got none`);
    return port;
}

/** Listens for a moment; 0 lets the system choose. Null if the port is taken. */
function tryPort(port: number): Promise<number | null> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once('error', () => resolve(null));
        server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
            const address = server.address();
            server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
        });
    });
}

/** Where the catcher of a `DATA_DIR` takes mail, for the commands beside the server that runs it. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Notes it, as its port may be any. */
export async function keepSmtpUrl(dataDir: string, smtpUrl: string): Promise<void> {
    await writeFile(fileOf(dataDir), smtpUrl);
}

/** What was noted last, null if nothing was. */
export async function findSmtpUrl(dataDir: string): Promise<string | null> {
    return readFile(fileOf(dataDir), 'utf8').catch(() => null);
}

function fileOf(dataDir: string): string {
    return join(dataDir, 'smtp-url');
}

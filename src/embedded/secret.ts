/** Secrets that are made once and kept in a file only their owner can read. */

import { randomBytes } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';

/** Reads the secret in `file`, or makes one (256 random bits as base64url) and keeps it there, mode 0600. */
export async function keepSecret(file: string): Promise<string> {
    const kept = await readSecret(file);
    if (kept !== null) return kept;
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
    try {
        // A link is made whole or not at all, and never over a file that is there.
        await link(draft, file);
    } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
    } finally {
        await unlink(draft);
    }
    return keepSecret(file);
}

/** The secret in `file`, null if there is no such file. */
export async function readSecret(file: string): Promise<string | null> {
    try {
        return await readFile(file, 'utf8');
    } catch (error) {
        if (isCode(error, 'ENOENT')) return null;
        throw error;
    }
}

/** Whether an error of the operating system is of that code. */
export function isCode(error: unknown, code: string): boolean {
    return error instanceof Error && 'code' in error && error.code === code;
}

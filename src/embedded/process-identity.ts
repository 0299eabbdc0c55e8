/** Whether a process noted in a file is still the one that was noted: process ids are used again, start times are not. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isCode } from './secret.ts';

const run = promisify(execFile);

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return isCode(error, 'EPERM');
    }
}

/** When a process started, in a form only good for comparing; `''` if it is gone. */
export async function startOf(pid: number): Promise<string> {
    if (process.platform !== 'linux') return ask('ps', ['-p', String(pid), '-o', 'lstart=']);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // Field 22 counts from the name, which stands in parentheses and may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** The command line of a process; `''` if it is gone. */
export async function commandOf(pid: number): Promise<string> {
    if (process.platform !== 'linux') return ask('ps', ['-ww', '-p', String(pid), '-o', 'command=']);
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return line.replaceAll('\0', ' ').trim();
}

async function ask(program: string, args: readonly string[]): Promise<string> {
    return run(program, [...args]).then(
        ({ stdout }) => stdout.trim(),
        () => '',
    );
}

/** How much processor time processes have had, as Linux counts it. */

import { readdir, readFile } from 'node:fs/promises';

/** `_SC_CLK_TCK`, which is 100 wherever Node runs on Linux. */
const TICKS_PER_SECOND = 100;

type Times = { readonly parent: number; readonly own: number; readonly ended: number };

/** Seconds of a process and its children, those that have ended included. */
export async function processorSeconds(pid: number): Promise<number> {
    const self = await timesOf(String(pid));
    const others = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(timesOf));
    const children = others.filter((other) => other?.parent === pid);
    const ticks = (self?.own ?? 0) + (self?.ended ?? 0) + children.reduce((sum, child) => sum + (child?.own ?? 0), 0);
    return ticks / TICKS_PER_SECOND;
}

/** The process that started one. */
export async function parentOf(pid: number): Promise<number> {
    const times = await timesOf(String(pid));
    if (times === null) throw new Error(`expected process ${pid} to be there, got nothing`);
    return times.parent;
}

/** Null if it is there no more. */
async function timesOf(pid: string): Promise<Times | null> {
    try {
        const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
        // Behind the name, which may hold anything: state, parent, …; own and children's time are the 14th to 17th of all.
        const fields = stat
            .slice(stat.lastIndexOf(')') + 2)
            .split(' ')
            .map(Number);
        const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
        return { parent: fields[1] ?? 0, own: user + system, ended: endedUser + endedSystem };
    } catch {
        return null;
    }
}

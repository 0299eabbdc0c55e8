/** What the server asked of PostgreSQL, counted in PostgreSQL's own log. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Settings under which every statement is logged, with the name of who asked; parameters are left out. */
export const LOGGED = { log_statement: 'all', log_line_prefix: '@@%a|', log_parameter_max_length: '0' } as const;

/** Queries of the pool that pins and reads the log. */
export type Asked = { readonly pins: number; readonly reads: number };

/** Counts from where the log is now; call what it returns to know how many there have been since. */
export async function countStatements(dataDir: string): Promise<() => Promise<Asked>> {
    const file = join(dataDir, 'postgres.log');
    const from = (await readFile(file)).length;
    return async () => {
        const log = (await readFile(file)).subarray(from).toString('latin1');
        const asked = log.split('@@').filter((line) => line.startsWith('tidings log|LOG:  execute'));
        return {
            pins: asked.filter((line) => line.includes('tidings.pin(')).length,
            reads: asked.filter((line) => line.includes('from tidings.stream s')).length,
        };
    };
}

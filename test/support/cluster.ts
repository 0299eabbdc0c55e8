/** Statements about the test cluster itself. */

import postgres, { type Sql } from 'postgres';

/** The same cluster and user, another database. */
export function inDatabase(clusterUrl: string, name: string): string {
    const url = new URL(clusterUrl);
    url.pathname = `/${name}`;
    return url.href;
}

/** Runs one piece of work on a connection of its own. */
export async function runAsAdmin<T>(clusterUrl: string, work: (sql: Sql) => PromiseLike<T>): Promise<T> {
    const sql = postgres(clusterUrl, { max: 1, onnotice: () => {} });
    try {
        return await work(sql);
    } finally {
        await sql.end();
    }
}

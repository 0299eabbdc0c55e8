/** A key that all servers of a database share. */

import type { Database } from './connect.ts';

/** Reads a key made by the migrations. */
export async function readSecret(sql: Database, name: 'cursor' | 'mail' | 'pseudonym'): Promise<Uint8Array> {
    const [row] = await sql<{ value: Uint8Array }[]>`select s.value from tidings.secret s where s.name = ${name}`;
    if (row === undefined) {
        throw new TypeError(`expected tidings.secret to hold ${name}, got nothing`);
    }
    return row.value;
}

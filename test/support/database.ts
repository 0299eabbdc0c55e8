/** A database of its own for a test file. Roles belong to the cluster: name those a test makes uniquely. */

import { randomBytes } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import { inject } from 'vitest';
import { inDatabase, runAsAdmin } from './cluster.ts';

/** A database, a superuser's pool on it, and how to be rid of both. */
export type TestDatabase = { readonly url: string; readonly name: string; readonly sql: Sql; close(): Promise<void> };

/** `example` adds schema `app` with its seed data; `empty` leaves out the engine too. */
export type DatabaseOptions = { readonly example?: boolean; readonly empty?: boolean };

/** Copies a template in some 50 ms. Call in `beforeAll`, `close` in `afterAll`. */
export async function openDatabase({ example = false, empty = false }: DatabaseOptions = {}): Promise<TestDatabase> {
    const clusterUrl = inject('clusterUrl');
    const name = `tidings_test_${randomBytes(6).toString('hex')}`;
    const template = templateOf(example, empty);
    await runAsAdmin(clusterUrl, (admin) => admin`create database ${admin(name)} template ${admin(template)}`);
    const url = inDatabase(clusterUrl, name);
    const sql = postgres(url, { max: 8, onnotice: () => {} });
    return {
        url,
        name,
        sql,
        async close() {
            await sql.end({ timeout: 1 });
            await runAsAdmin(clusterUrl, (admin) => admin`drop database ${admin(name)} with (force)`);
        },
    };
}

function templateOf(example: boolean, empty: boolean): string {
    if (empty) return 'template1';
    const { name, problem } = inject(example ? 'exampleTemplate' : 'engineTemplate');
    if (problem !== null) throw new Error(`expected template ${name} to be migrated, got: ${problem}`);
    return name;
}

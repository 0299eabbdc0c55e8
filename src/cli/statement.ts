/** Runs one SQL statement and prints its rows. */

import postgres, { type Sql } from 'postgres';
import { TidingsError } from '../errors.ts';
import { tableOf } from './table.ts';
import type { Terminal } from './terminal.ts';

/** What to run and how to print it. */
export type Statement = { readonly text: string; readonly json: boolean };

/**
 * Runs a statement by the extended protocol, in which PostgreSQL takes one at a time.
 *
 * @throws TidingsError `failed` with what PostgreSQL says.
 */
export async function runStatement(sql: Sql, terminal: Terminal, { text, json }: Statement): Promise<void> {
    const query = sql.unsafe(text, [], { prepare: false, simple: false } as postgres.UnsafeQueryOptions);
    try {
        if (json) {
            terminal.out(JSON.stringify(await query));
            return;
        }
        // The server's own text of every value.
        const result = await query.raw();
        const columns = result.columns?.map(({ name }) => name) ?? [];
        const rows = result.map((row) => [...row].map((value) => (value === null ? null : String(value))));
        if (columns.length > 0) for (const line of tableOf(columns, rows)) terminal.out(line);
        terminal.err(columns.length > 0 ? countOf(rows.length) : `${result.command} ${result.count ?? ''}`.trim());
    } catch (error) {
        throw error instanceof postgres.PostgresError ? explain(error) : error;
    }
}

function countOf(rows: number): string {
    return `(${rows} ${rows === 1 ? 'row' : 'rows'})`;
}

function explain(error: postgres.PostgresError): TidingsError {
    const rest = [error.detail, error.hint].filter((line) => line).map((line) => `\n  ${line}`);
    return new TidingsError('failed', `${error.message} [${error.code}]${rest.join('')}`, { cause: error });
}

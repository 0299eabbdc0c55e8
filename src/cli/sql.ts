/** `tidings sql`: one statement, or a prompt; for machines without psql. */

import type { Command } from 'commander';
import { TidingsError } from '../errors.ts';
import { connect } from '../store/connect.ts';
import { runPrompt } from './prompt.ts';
import { runStatement } from './statement.ts';
import { databaseUrlOf } from './target.ts';
import type { Terminal } from './terminal.ts';

/** Adds the command. */
export function addSql(program: Command, terminal: Terminal): void {
    program
        .command('sql')
        .description('run one statement; without one, read it from standard input, or prompt at a terminal')
        .argument('[statement]', 'one SQL statement')
        .option('--json', 'print rows as JSON')
        .action(async (statement: string | undefined, { json = false }: { json?: boolean }) => {
            const sql = connect(await databaseUrlOf(terminal.config()), { name: 'tidings sql', max: 1 });
            try {
                if (statement === undefined && terminal.interactive) {
                    await runPrompt(sql, terminal, json);
                } else {
                    await runStatement(sql, terminal, { text: statement ?? (await typed(terminal)), json });
                }
            } finally {
                await sql.end({ timeout: 1 });
            }
        });
}

async function typed(terminal: Terminal): Promise<string> {
    const text = await terminal.input();
    if (text.trim() === '') throw new TidingsError('misused', 'expected a statement, got an empty standard input');
    return text;
}

/** All commands in one program, and what becomes of their errors: exit codes 0 (ok), 1 (failed), 2 (misused). */

import { Command, CommanderError } from 'commander';
import { messageOf, TidingsError } from '../errors.ts';
import { redact } from '../log.ts';
import { addDigest } from './digest.ts';
import { addDoctor } from './doctor.ts';
import { addMigrate } from './migrate.ts';
import { addServe } from './serve.ts';
import { addSql } from './sql.ts';
import type { Terminal } from './terminal.ts';
import { addToken } from './token.ts';
import { addWorker } from './worker.ts';

const OK = 0;
const FAILED = 1;
const MISUSED = 2;

/** Runs the command in `args` and returns the exit code. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
    try {
        await makeProgram(terminal).parseAsync([...args], { from: 'user' });
        return OK;
    } catch (error) {
        // Commander has said itself what is wrong, or has shown the help that was asked for.
        if (error instanceof CommanderError) return error.exitCode === 0 ? OK : MISUSED;
        terminal.err(`tidings: ${redact(messageOf(error))}`);
        return error instanceof TidingsError && error.code === 'misused' ? MISUSED : FAILED;
    }
}

function makeProgram(terminal: Terminal): Command {
    const program = new Command('tidings')
        .description('PostgreSQL-native live updates. Configured by environment variables: see docs/config.md.')
        // Before any command is added: they inherit both.
        .exitOverride()
        .configureOutput({
            writeOut: (text) => terminal.out(text.trimEnd()),
            writeErr: (text) => terminal.err(text.trimEnd()),
        })
        .showHelpAfterError('(see --help)');
    for (const add of [addServe, addWorker, addMigrate, addToken, addDigest, addDoctor, addSql]) add(program, terminal);
    return program;
}

/** `tidings migrate`: brings a database's schemas up to date, or tells how they are. */

import type { Command } from 'commander';
import type { Config } from '../config.ts';
import { TidingsError } from '../errors.ts';
import {
    type Applied,
    ENGINE,
    EXAMPLE,
    migrateUp,
    migrationStatus,
    type SetSource,
    type SetStatus,
} from '../migrate/index.ts';
import { databaseUrlOf } from './target.ts';
import type { Terminal } from './terminal.ts';

type Options = { readonly json?: true };

/** Adds the command and its own commands. */
export function addMigrate(program: Command, terminal: Terminal): void {
    const migrate = program
        .command('migrate')
        .description('the database schemas: `tidings`, and `app` if EXAMPLE is on');
    migrate
        .command('up')
        .description('apply what is pending')
        .option('--json', 'print what was applied as JSON')
        .action((options: Options) => up(terminal, options));
    migrate
        .command('status')
        .description('tell what is applied, pending or wrong; exits with 1 if something is wrong')
        .option('--json', 'print it as JSON')
        .action((options: Options) => status(terminal, options));
}

async function up(terminal: Terminal, { json }: Options): Promise<void> {
    const config = terminal.config();
    const applied: Applied[] = [];
    await migrateUp(await databaseUrlOf(config), setsOf(config), {
        onApplied: (file) => {
            applied.push(file);
            if (!json) terminal.out(`applied  ${file.set}  ${file.name}  ${Math.round(file.tookMs)} ms`);
        },
    });
    if (json) terminal.out(JSON.stringify({ applied }));
    else if (applied.length === 0) terminal.out('up to date');
}

async function status(terminal: Terminal, { json }: Options): Promise<void> {
    const config = terminal.config();
    const sets = await migrationStatus(await databaseUrlOf(config), setsOf(config));
    if (json) terminal.out(JSON.stringify({ sets }));
    else for (const line of sets.flatMap(linesOf)) terminal.out(line);
    const wrong = sets.flatMap(({ migrations }) => migrations.filter(({ state }) => isWrong(state)));
    if (wrong.length > 0) {
        throw new TidingsError('failed', `expected no edited, missing or skipped migration, got ${wrong.length}`);
    }
}

function setsOf(config: Config): readonly SetSource[] {
    return config.example ? [ENGINE, EXAMPLE] : [ENGINE];
}

function linesOf({ set, migrations, functions }: SetStatus): readonly string[] {
    const rows = [...migrations.map(({ version, name, state }) => [state, name ?? version]), [functions, 'functions']];
    return rows.map(([state = '', name = '']) => `${state.padEnd(8)} ${set}  ${name}`);
}

function isWrong(state: string): boolean {
    return state !== 'applied' && state !== 'pending';
}

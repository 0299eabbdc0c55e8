/** `tidings serve`: runs the server until a signal asks it to stop. */

import type { Command } from 'commander';
import type { Config } from '../config.ts';
import type { Server } from '../main.ts';
import { runUntilSignal } from './run-until-signal.ts';
import type { Terminal } from './terminal.ts';

/** `ada` of the demo data, to have somebody to be. */
const DEMO_USER = '00000000-0000-4000-8000-000000000101';

/** Adds the command. */
export function addServe(program: Command, terminal: Terminal): void {
    program
        .command('serve')
        .description('run the server; without DATABASE_URL on an embedded PostgreSQL')
        .action(async () => {
            const config = terminal.config();
            await runUntilSignal({
                start: async () => {
                    // Loaded here, so that the other commands do without the server.
                    const { startServer } = await import('../main.ts');
                    const server = await startServer(config);
                    for (const line of greeting(config, server)) terminal.out(line);
                    return server;
                },
                signals: process,
                exit: (code) => process.exit(code),
                say: terminal.err,
            });
        });
}

/** What stands on the screen of someone who has just started the server. */
function greeting(config: Config, { url, databaseUrl, caughtMailUrl }: Omit<Server, 'stop'>): readonly string[] {
    const lines = [`Tidings runs at ${url}`];
    if (caughtMailUrl !== null) lines.push(`Mail is caught at ${caughtMailUrl}`);
    if (!config.embedded) return lines;
    const body = `-H 'content-type: application/json' -d '{"userId":"${DEMO_USER}"}'`;
    const ways = [`npx tidings token --user ${DEMO_USER}`];
    if (config.devLogin) ways.unshift(`curl -s ${url}/dev/login ${body}`);
    lines.push(`Database     ${databaseUrl}`, `Get a token  ${ways.join('\n        or   ')}`, 'Stop         Ctrl-C');
    return lines;
}

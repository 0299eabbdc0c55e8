/** `tidings worker`: claims and sends mail, without a server; any number may run, and beside servers. */

import type { Command } from 'commander';
import { createLogger } from '../log.ts';
import { runUntilSignal } from './run-until-signal.ts';
import type { Terminal } from './terminal.ts';

/** Adds the command. */
export function addWorker(program: Command, terminal: Terminal): void {
    program
        .command('worker')
        .description('send digests and instant mail only; a server does so, too, where SMTP_URL is set')
        .action(async () => {
            const config = terminal.config();
            await runUntilSignal({
                start: async () => {
                    // Loaded here, so that the other commands do without mail.
                    const { openMailing } = await import('./mailing.ts');
                    const { mailing, close } = await openMailing(config, createLogger({ level: config.logLevel }));
                    await mailing.start();
                    terminal.out('Mails what is due; stop with Ctrl-C');
                    return { stop: close };
                },
                signals: process,
                exit: (code) => process.exit(code),
                say: terminal.err,
            });
        });
}

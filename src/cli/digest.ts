/** `tidings digest`: the mail one person would get now, shown or sent. */

import { type Command, Option } from 'commander';
import { TidingsError } from '../errors.ts';
import type { Mailing, Preview } from '../worker/index.ts';
import { parseUser } from './target.ts';
import type { Terminal } from './terminal.ts';

type Options = {
    readonly user: string;
    readonly preview?: true;
    readonly send?: true;
    readonly html?: true;
    readonly json?: true;
};

/** Adds the command. */
export function addDigest(program: Command, terminal: Terminal): void {
    program
        .command('digest')
        .description('the mail of all that a person was not told yet, whenever it would be due')
        .requiredOption('--user <id>', 'the person, as in `sub`', parseUser)
        .addOption(new Option('--preview', 'print it, and change nothing').conflicts('send'))
        .option('--send', 'send it; what it tells is in no other mail then')
        .addOption(new Option('--html', 'with --preview: print its HTML').conflicts(['send', 'json']))
        .option('--json', 'print it, or how sending ended, as JSON')
        .action(async (options: Options) => {
            if (!options.preview && !options.send) {
                throw new TidingsError('misused', 'expected --preview or --send, got neither');
            }
            const { openMailing } = await import('./mailing.ts');
            const { mailing, close } = await openMailing(terminal.config(), () => undefined);
            try {
                if (options.send) await send(mailing, terminal, options);
                else print(await mailing.preview(options.user), terminal, options);
            } finally {
                await close();
            }
        });
}

function print(preview: Preview, terminal: Terminal, { html, json }: Options): void {
    if (json) {
        terminal.out(JSON.stringify(asJson(preview)));
    } else if (preview.type === 'nothing') {
        terminal.err(`nothing to send: ${preview.reason}`);
    } else if (html) {
        terminal.out(preview.mail.html);
    } else {
        const { from, to, subject, text } = preview.mail;
        const headers = { From: addressOf(from), To: addressOf(to), Subject: subject };
        for (const [name, value] of Object.entries(headers)) terminal.out(`${name}: ${value}`);
        terminal.out(`\n${text.trimEnd()}`);
    }
}

/** Without the key it would be signed with. */
function asJson(preview: Preview): object {
    if (preview.type === 'nothing') return { mail: null, reason: preview.reason };
    const { from, to, subject, messageId, text, html } = preview.mail;
    return { mail: { from, to, subject, messageId, text, html }, reason: null };
}

async function send(mailing: Mailing, terminal: Terminal, { user, json }: Options): Promise<void> {
    const end = await mailing.digests.sendTo(user);
    if (json) terminal.out(JSON.stringify(end ?? { outcome: 'nothing' }));
    else if (end === null) terminal.err('nothing to send: nothing that was not told yet');
    else if (end.outcome === 'skipped') terminal.err(`nothing to send: ${end.reason}`);
    else if (end.outcome === 'sent') terminal.out(`sent: ${end.reason}`);
    if (end !== null && end.outcome !== 'sent' && end.outcome !== 'skipped') {
        const later = end.outcome === 'retry' ? '; a worker will try it again' : '';
        throw new TidingsError('failed', `expected the mail to be sent, got ${end.outcome}: ${end.reason}${later}`);
    }
}

function addressOf({ name, address }: { readonly name: string; readonly address: string }): string {
    return name === '' ? address : `${name} <${address}>`;
}

/** `tidings doctor`: what is wrong, and what to do about it. */

import type { Command } from 'commander';
import { TidingsError } from '../errors.ts';
import { ENGINE, expectCurrent } from '../migrate/index.ts';
import { connect } from '../store/connect.ts';
import { databaseUrlOf } from './target.ts';
import type { Terminal } from './terminal.ts';

type Finding = {
    readonly severity: 'error' | 'warning';
    readonly area: string;
    readonly finding: string;
    readonly hint: string;
};

/** Adds the command. */
export function addDoctor(program: Command, terminal: Terminal): void {
    program
        .command('doctor')
        .description('tell what is wrong; exits with 1 if something is not done that should be')
        .option('--json', 'print it as JSON')
        .action(async ({ json = false }: { json?: boolean }) => {
            const databaseUrl = await databaseUrlOf(terminal.config());
            await expectCurrent(databaseUrl, [ENGINE]);
            const findings = await examine(databaseUrl);
            if (json) terminal.out(JSON.stringify({ findings }));
            else if (findings.length === 0) terminal.out('all is well');
            else for (const line of findings.flatMap(linesOf)) terminal.out(line);
            const errors = findings.filter(({ severity }) => severity === 'error');
            if (errors.length > 0) throw new TidingsError('failed', `expected no error, got ${errors.length}`);
        });
}

async function examine(databaseUrl: string): Promise<readonly Finding[]> {
    const sql = connect(databaseUrl, { name: 'tidings doctor', max: 1 });
    try {
        return [...(await sql<Finding[]>`select d.severity, d.area, d.finding, d.hint from tidings.diagnose() d`)];
    } finally {
        await sql.end({ timeout: 1 });
    }
}

function linesOf({ severity, area, finding, hint }: Finding): readonly string[] {
    return [`${severity}  ${area}: ${finding}`, `    ${hint}`];
}

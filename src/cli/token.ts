/** `tidings token`: a token for a user, signed with the server's own key; for development and services of yours. */

import { type Command, InvalidArgumentError } from 'commander';
import { signToken } from '../auth/index.ts';
import { jwtSecretOf, parseUser } from './target.ts';
import type { Terminal } from './terminal.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Adds the command. */
export function addToken(program: Command, terminal: Terminal): void {
    program
        .command('token')
        .description('print a token for a user, signed with JWT_SECRET or the key of the embedded server that runs')
        .requiredOption('--user <id>', 'the user, as in `sub`', parseUser)
        .option('--ttl <duration>', 'how long it is good for: 90s, 15m, 1h, 30d', parseDuration, UNIT_MS['h'])
        .action(async ({ user, ttl }: { user: string; ttl: number }) => {
            const config = terminal.config();
            const claims = { issuer: config.jwtIssuer, audience: config.jwtAudience };
            terminal.out(await signToken(await jwtSecretOf(config), user, ttl, claims));
        });
}

function parseDuration(written: string): number {
    const [, count = '', unit = ''] = /^([1-9]\d{0,5})([smhd])$/.exec(written) ?? [];
    const unitMs = UNIT_MS[unit];
    if (unitMs === undefined)
        throw new InvalidArgumentError(`expected a duration like 1h, got ${JSON.stringify(written)}`);
    return Number(count) * unitMs;
}

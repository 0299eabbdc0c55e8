/** What a command works with: the database and the key, configured or of a server that runs embedded, and whom it is about. */

import { InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import { findRunning } from '../embedded/index.ts';
import { TidingsError } from '../errors.ts';
import { ID_PATTERN } from '../event.ts';

/** `DATABASE_URL`, else the embedded database of the server that runs on `DATA_DIR`. */
export async function databaseUrlOf(config: Config): Promise<string> {
    return config.databaseUrl ?? (await findRunning(config.dataDir)).databaseUrl;
}

/**
 * The HS256 key the server checks tokens with.
 *
 * @throws TidingsError `misused` where tokens come from somebody else or there is no key.
 */
export async function jwtSecretOf(config: Config): Promise<string> {
    if (config.jwksUrl !== null) {
        const message = 'expected JWKS_URL to be unset, because the server then takes no tokens of ours, got a URL';
        throw new TidingsError('misused', message);
    }
    if (config.jwtSecret !== null) return config.jwtSecret;
    if (!config.embedded) throw new TidingsError('misused', 'expected JWT_SECRET to be set, got nothing');
    return (await findRunning(config.dataDir)).jwtSecret;
}

/** A user's id, from an option. */
export function parseUser(id: string): string {
    if (!ID_PATTERN.test(id))
        throw new InvalidArgumentError(`expected an id (${ID_PATTERN.source}), got ${JSON.stringify(id)}`);
    return id;
}

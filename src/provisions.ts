/** What a server lives on: a database and somewhere to hand mail over, configured, or in embedded mode our own. */

import { join } from 'node:path';
import { createMailCatcher, keepSmtpUrl, USUAL_PORTS } from './catcher/index.ts';
import type { Config } from './config.ts';
import { createEmbedded } from './embedded/index.ts';
import { TidingsError } from './errors.ts';
import { type Applied, ENGINE, EXAMPLE, expectCurrent, migrateUp } from './migrate/index.ts';
import type { Observe } from './observe.ts';
import type { Service } from './service.ts';

/** Starts a service, and sees to it that it is stopped. */
export type Run = <S extends Service>(service: S) => Promise<S>;

/** A database with our schema in it: our own, migrated here, or the configured one, which its DBA migrates. */
export async function provideDatabase(
    config: Config,
    run: Run,
    observe: Observe,
): Promise<{ readonly databaseUrl: string; readonly jwtSecret: string | null }> {
    if (!config.embedded && config.jwtSecret === null && config.jwksUrl === null) {
        throw new TidingsError('misused', 'expected JWT_SECRET or JWKS_URL to be set, got neither');
    }
    const sets = config.example ? [ENGINE, EXAMPLE] : [ENGINE];
    if (config.databaseUrl !== null) {
        await expectCurrent(config.databaseUrl, sets);
        return { databaseUrl: config.databaseUrl, jwtSecret: config.jwtSecret };
    }
    const onExit = (error: Error) => observe({ type: 'service.failed', service: 'embedded', error });
    const embedded = await run(createEmbedded({ dataDir: config.dataDir, onExit }));
    const onApplied = (applied: Applied) => observe({ type: 'migration.applied', ...applied });
    await migrateUp(embedded.databaseUrl, sets, { seed: true, onApplied });
    return { databaseUrl: embedded.databaseUrl, jwtSecret: config.jwtSecret ?? embedded.jwtSecret };
}

/** Where mail is handed over, null if it can't be: the configured server, else in embedded mode the catcher, with its page. */
export async function provideMail(
    config: Config,
    run: Run,
    observe: Observe,
): Promise<{ readonly smtpUrl: string | null; readonly caughtMailUrl: string | null }> {
    if (config.smtpUrl !== null || !config.embedded) return { smtpUrl: config.smtpUrl, caughtMailUrl: null };
    const dir = join(config.dataDir, 'mail');
    const catcher = await run(createMailCatcher({ dir, host: '127.0.0.1', ...USUAL_PORTS, observe }));
    await keepSmtpUrl(config.dataDir, catcher.smtpUrl);
    return { smtpUrl: catcher.smtpUrl, caughtMailUrl: catcher.url };
}

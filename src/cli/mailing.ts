/** Mailing beside the server, for the commands that mail: on the same database, by the same settings. */

import { findSmtpUrl } from '../catcher/index.ts';
import type { Config } from '../config.ts';
import { TidingsError } from '../errors.ts';
import { ENGINE, expectCurrent } from '../migrate/index.ts';
import type { Observe } from '../observe.ts';
import { createPool, SERVER_POOL } from '../store/pool.ts';
import { readSecret } from '../store/read-secret.ts';
import { createMailing, type Mailing } from '../worker/index.ts';
import { databaseUrlOf } from './target.ts';

const POOL_SIZE = 4;

/**
 * Opens it. `close` ends what is under way, and the connections.
 *
 * @throws TidingsError `misused` if there is nowhere to hand mail over, `failed` if the schema is not ours
 */
export async function openMailing(
    config: Config,
    observe: Observe,
): Promise<{ readonly mailing: Mailing; close(): Promise<void> }> {
    const databaseUrl = await databaseUrlOf(config);
    const smtpUrl = config.smtpUrl ?? (config.embedded ? await findSmtpUrl(config.dataDir) : null);
    if (smtpUrl === null) throw new TidingsError('misused', 'expected SMTP_URL to be set, got nothing');
    await expectCurrent(databaseUrl, [ENGINE]);
    const sql = createPool(databaseUrl, { ...SERVER_POOL, observe, name: 'tidings mail', max: POOL_SIZE });
    try {
        const secret = await readSecret(sql, 'mail');
        const url = `http://${config.host}:${config.port}`;
        const mailing = createMailing({ config, sql, databaseUrl, smtpUrl, url, secret, observe });
        return {
            mailing,
            async close() {
                await mailing.stop();
                await sql.end();
            },
        };
    } catch (error) {
        await sql.end();
        throw error;
    }
}

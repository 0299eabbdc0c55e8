/**
 * A sender as a process of its own, on the built program: claims and delivers once, or comes to grief at a step.
 *
 * Its one argument is JSON: `env`, `at` (the clock), and if it is to come to grief `fate`: `before` or `after` a
 * function of the database is called it stops dead, or it does not get to call it (`instead`).
 */

import process from 'node:process';
import { loadConfig } from '../../dist/config.js';
import { createPool } from '../../dist/store/pool.js';
import { createMailing } from '../../dist/worker/index.js';

const { env, at, fate = {} } = JSON.parse(process.argv[2] ?? '{}');
const config = loadConfig(env);
const pool = createPool(config.databaseUrl, { name: 'doomed', max: 4, role: 'tidings_server', deadlineMs: 10_000 });

async function sql(template, ...parameters) {
    const meant = fate.of !== undefined && template.join('?').includes(`tidings.${fate.of}(`);
    if (meant && fate.when === 'before') process.kill(process.pid, 'SIGKILL');
    if (meant && fate.when === 'instead') return new Promise(() => undefined);
    const rows = await pool(template, ...parameters);
    if (meant && fate.when === 'after') process.kill(process.pid, 'SIGKILL');
    return rows;
}

const mailing = createMailing({
    config,
    sql: Object.assign(sql, { begin: pool.begin, end: pool.end }),
    databaseUrl: config.databaseUrl,
    smtpUrl: config.smtpUrl,
    url: config.publicUrl,
    secret: Buffer.alloc(32),
    observe: () => undefined,
    now: () => new Date(at),
});
await mailing.digests.claim(['daily']);
await mailing.digests.deliver();
await mailing.stop();
await pool.end();

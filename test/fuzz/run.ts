/**
 * `npm run fuzz -- --inputs 1000000 --seed 7 --minutes 30`: random inputs to a real server; exits with 0 if nothing was wrong.
 * `npm run fuzz -- parser --inputs 1000000`: the parser of client frames alone, guided by what it covers.
 */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { createEmbedded } from '../../src/embedded/index.ts';
import { ENGINE, EXAMPLE, migrateUp } from '../../src/migrate/index.ts';
import { fuzzParser } from './parser.ts';
import { type Played, play } from './play.ts';
import { tableOf, verdictOf } from './report.ts';

const PROGRAM = fileURLToPath(new URL('../../src/cli/tidings.js', import.meta.url));

const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        inputs: { type: 'string', default: '1000000' },
        minutes: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(Date.now() % 100_000) },
    },
});
const [inputs, minutes, seed] = [Number(values.inputs), Number(values.minutes), Number(values.seed)];
const [what = 'server'] = positionals;
if (!(inputs >= 1000 && minutes > 0 && Number.isInteger(seed) && ['server', 'parser'].includes(what))) {
    console.error(
        'expected server or parser, --inputs from 1000, --minutes and --seed a whole number, got',
        positionals,
        values,
    );
    process.exit(2);
}

console.log(`fuzz ${what}: ${inputs} inputs, seed ${seed}`);
const wrong = what === 'parser' ? await runParser() : await runServer();
for (const line of wrong.slice(0, 20)) console.log(`WRONG ${line}`);
console.log(wrong.length === 0 ? 'nothing was wrong' : `${wrong.length} things were wrong`);
process.exit(wrong.length === 0 ? 0 : 1);

async function runParser(): Promise<readonly string[]> {
    const { lines, crashes } = await fuzzParser({ inputs, seed, mostMs: minutes * 60_000 });
    for (const line of lines) console.log(line);
    return crashes;
}

async function runServer(): Promise<readonly string[]> {
    const played = await onCluster((databaseUrl) => {
        const sql = postgres(databaseUrl, { max: 2, onnotice: () => undefined });
        const mostMs = minutes * 60_000;
        return play({ program: PROGRAM, databaseUrl, sql, seed, inputs, mostMs, restMs: 10_000 }).finally(() =>
            sql.end(),
        );
    });
    for (const line of tableOf(played)) console.log(line);
    return verdictOf(played);
}

/** A database with the example in it, for as long as `work` takes. */
async function onCluster(work: (databaseUrl: string) => Promise<Played>): Promise<Played> {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidings-fuzz-'));
    await chmod(dataDir, 0o711);
    const embedded = createEmbedded({ dataDir, settings: { fsync: 'off', max_connections: '200' } });
    await embedded.start();
    try {
        await migrateUp(embedded.databaseUrl, [ENGINE, EXAMPLE], { seed: true });
        return await work(embedded.databaseUrl);
    } finally {
        await embedded.stop();
        await rm(dataDir, { recursive: true, force: true });
    }
}

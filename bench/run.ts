/**
 * `npm run bench -- <question> … [--seconds n] [--clients n]`: asks the questions named, or all, and prints what was measured
 * and on what. The options are for the questions that know them.
 */

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

/** How long, and with how many; unset: as the question has it. */
type Measure = { readonly seconds?: number; readonly clients?: number };

/** A question is a script that prints its answer. */
const QUESTIONS: Readonly<Record<string, () => Promise<{ ask(measure: Measure): Promise<void> }>>> = {
    log: () => import('./log.ts'),
    writes: () => import('./writes.ts'),
    subtransactions: () => import('./subtransactions.ts'),
    latency: () => import('./latency.ts'),
    fanout: () => import('./fanout.ts'),
    storm: () => import('./storm.ts'),
    'slow-readers': () => import('./slow-readers.ts'),
    hostile: () => import('./hostile.ts'),
    inbox: () => import('./inbox.ts'),
    digests: () => import('./digests.ts'),
};

const { values, positionals: asked } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string' }, clients: { type: 'string' } },
});
const measure: Measure = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const unknown = asked.filter((name) => !(name in QUESTIONS));
if (unknown.length > 0) {
    console.error(`expected some of ${Object.keys(QUESTIONS).join(', ')}, got ${unknown.join(', ')}`);
    process.exit(2);
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim();
console.log(`commit ${commit} · node ${process.version} · ${cpus().length} × ${cpus()[0]?.model}`);
for (const name of asked.length > 0 ? asked : Object.keys(QUESTIONS)) {
    console.log(`\n== ${name}`);
    const { ask } = (await QUESTIONS[name]?.()) ?? { ask: async () => undefined };
    await ask(measure);
}

/** `npm run bench -- <question> …`: asks the questions named, or all, and prints what was measured and on what. */

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** A question is a script that prints its answer. */
const QUESTIONS: Readonly<Record<string, () => Promise<{ ask(): Promise<void> }>>> = {
    log: () => import('./log.ts'),
    writes: () => import('./writes.ts'),
    subtransactions: () => import('./subtransactions.ts'),
    latency: () => import('./latency.ts'),
    fanout: () => import('./fanout.ts'),
};

const asked = process.argv.slice(2);
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
    await ask();
}

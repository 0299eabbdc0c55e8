/** `npm run mutants`: every mutant in a run of its own, and the server as it is in the same runs. Exits with 0 if all are caught. */

import { parseArgs } from 'node:util';
import { alterDatabase, MUTANTS, type Mutant } from './mutants.ts';
import { type Played, play } from './play.ts';

const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
const chosen = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

let caught = 0;
for (const mutant of chosen) {
    const { verdict } = await run(mutant, { TORTURE_MUTANT: mutant.name });
    const kinds = [...new Set(verdict.violations.map(({ kind }) => kind))];
    if (kinds.length > 0) caught += 1;
    const said = kinds.length > 0 ? `caught: ${verdict.violations.length} × ${kinds.join(', ')}` : 'NOT caught';
    console.log(`${mutant.name.padEnd(28)} ${said} (${verdict.delivered} delivered)`);
}
console.log(`${caught} of ${chosen.length} caught`);

const { verdict } = await run(
    { name: 'none', faults: [...new Set(chosen.flatMap(({ faults }) => faults))], padBytes: 7500 },
    {},
);
console.log(`as it is: ${verdict.violations.length} violations, ${verdict.delivered} delivered`);
for (const { kind, what } of verdict.violations.slice(0, 10)) console.log(`WRONG ${kind}: ${what}`);
process.exit(caught === chosen.length && verdict.violations.length === 0 ? 0 : 1);

function run(mutant: Mutant, env: Readonly<Record<string, string>>): Promise<Played> {
    return play({
        servers: 1,
        seed,
        forMs: (mutant.seconds ?? seconds) * 1000,
        faults: mutant.faults,
        padBytes: mutant.padBytes ?? 0,
        ...(mutant.stallMs === undefined ? {} : { stallMs: mutant.stallMs }),
        perSecond: 150,
        env: { ...mutant.env, ...(mutant.edits === undefined ? {} : env) },
        alter: (sql) => alterDatabase(sql, mutant),
    });
}

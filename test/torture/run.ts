/** `npm run torture -- --minutes 2 --seed 7 --servers 2`: faults and load for that long; exits with 0 if nothing was wrong. */

import { parseArgs } from 'node:util';
import { NEMESES } from './nemeses.ts';
import { type Played, play } from './play.ts';
import { recoveries } from './recovery.ts';

const { values } = parseArgs({
    options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string', default: String(Date.now() % 100_000) },
        servers: { type: 'string', default: '2' },
    },
});
const [minutes, seed, servers] = [Number(values.minutes), Number(values.seed), Number(values.servers)];
if (!(minutes > 0 && minutes <= 120 && Number.isInteger(seed) && servers >= 1 && servers <= 8)) {
    console.error('expected --minutes 0–120, --seed a whole number and --servers 1–8, got', values);
    process.exit(2);
}

console.log(`torture: ${minutes} minutes, ${servers} servers, seed ${seed}`);
const played = await play({ servers, seed, forMs: minutes * 60_000, faults: Object.keys(NEMESES) });
process.exit(report(played) ? 0 : 1);

/** Prints figures; true if all is right and every fault was one. */
function report({ verdict, history, fired }: Played): boolean {
    const { violations, ...counts } = verdict;
    const count = (kind: string) => violations.filter((violation) => violation.kind === kind).length;
    console.log(
        Object.entries(counts)
            .map(([name, n]) => `${name} ${n}`)
            .join(', '),
    );
    const kinds = recoveries(history);
    for (const [kind, done] of Object.entries(fired)) {
        const took = kinds.get(kind) ?? [];
        const at = (share: number) =>
            took[Math.min(took.length - 1, Math.floor(took.length * share))]?.toFixed(0) ?? '-';
        const times = history.faults.filter((fault) => fault.kind === kind).length;
        console.log(
            `${kind.padEnd(18)} ${String(times).padStart(4)} times (${done})  recovery p50 ${at(0.5)} ms  p99 ${at(0.99)} ms`,
        );
    }
    const idle = Object.keys(fired).filter((kind) => fired[kind] === 0);
    if (idle.length > 0) console.log(`never fired: ${idle.join(', ')}`);
    for (const { kind, what } of violations.slice(0, 20)) console.log(`WRONG ${kind}: ${what}`);
    const wrong = ['lost', 'repeated', 'gap', 'row inverted', 'seen after revocation', 'seen by a stranger'];
    console.log(wrong.map((kind) => `${kind} ${count(kind)}`).join(', '), `– all violations ${violations.length}`);
    if (violations.length === 0)
        console.log(
            `none lost in ${verdict.delivered}: at most ${(3 / verdict.delivered).toExponential(1)} by the rule of three`,
        );
    console.log(JSON.stringify({ seed, minutes, servers, ...counts, violations: violations.length, fired }));
    return violations.length === 0 && idle.length === 0;
}

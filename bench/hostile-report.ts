/** What hostile.ts prints. */

import type { AttackReport } from './hostile-attackers.ts';
import type { WitnessReport } from './hostile-witnesses.ts';
import { at } from './quantile.ts';

/** What was measured of one phase. */
export type Phase = {
    readonly name: string;
    readonly seconds: number;
    readonly report: WitnessReport;
    /** Ascending. */
    readonly commitMs: readonly number[];
    /** Cores that the server, PostgreSQL, the witnesses and the attackers had. */
    readonly coreShares: readonly number[];
    readonly mostMb: number;
    readonly endMb: number;
    /** Lines of the server's log, by their type. */
    readonly log: ReadonlyMap<string, number>;
};

const COLUMNS = [
    'phase',
    's',
    'events',
    'late p50',
    'p99',
    'max',
    'commit p99',
    'join p50',
    'p99',
    'pong p99',
    'out of order',
    'resets',
    'RSS most',
    'end',
    'CPU server',
    'PostgreSQL',
    'good',
    'hostile',
    'log lines',
];

export function printHead(clients: number): void {
    console.log(`${clients} clients; times in ms, memory in MB, processor time in % of a core`);
    printRow(COLUMNS);
}

export function printPhase({ name, seconds, report, commitMs, coreShares, mostMb, endMb, log }: Phase): void {
    const { events, lateMs, joinMs, pongMs, holes, resets, ends } = report;
    printRow([
        name,
        seconds.toFixed(0),
        String(events),
        ...[0.5, 0.99, 1].map((p) => at(lateMs, p).toFixed(1)),
        at(commitMs, 0.99).toFixed(1),
        ...[0.5, 0.99].map((p) => at(joinMs, p).toFixed(1)),
        at(pongMs, 0.99).toFixed(1),
        String(holes),
        String(resets),
        mostMb.toFixed(0),
        endMb.toFixed(0),
        ...coreShares.map((share) => `${(share * 100).toFixed(0)} %`),
        String([...log.values()].reduce((sum, lines) => sum + lines, 0)),
    ]);
    if (Object.keys(ends).length > 0) console.log(`    well-behaved clients were told or ended: ${listOf(ends)}`);
}

/** The 99th percentile of lateness. */
export function p99({ lateMs }: WitnessReport): number {
    return at(lateMs, 0.99);
}

export function printLog(log: ReadonlyMap<string, number>): void {
    console.log(`log lines while hostile: ${listOf(Object.fromEntries(log)) || 'none'}`);
}

export function printAttacks(attacks: readonly AttackReport[], seconds: number): void {
    console.log(
        'attack'.padEnd(22),
        'attackers'.padStart(9),
        'connects/s'.padStart(11),
        'sent/s'.padStart(9),
        ' heard',
    );
    for (const { name, attackers, connected, sent, heard } of attacks) {
        console.log(
            name.padEnd(22),
            String(attackers).padStart(9),
            (connected / seconds).toFixed(1).padStart(11),
            (sent / seconds).toFixed(0).padStart(9),
            ` ${listOf(heard)}`,
        );
    }
}

export function printVerdict({ total, behind }: WitnessReport, clients: number): void {
    console.log(
        `${total.events} events received by ${clients} clients; out of order or missing: ${total.holes};`,
        `resets: ${total.resets}; clients not at the end of their topic: ${behind}`,
    );
}

function listOf(counts: Readonly<Record<string, number>>): string {
    return Object.entries(counts)
        .map(([what, count]) => `${what} × ${count}`)
        .join(', ');
}

function printRow(cells: readonly string[]): void {
    console.log(
        cells
            .map((cell, n) => (n === 0 ? cell.padEnd(12) : cell.padStart(Math.max(7, (COLUMNS[n] ?? '').length))))
            .join('  '),
    );
}

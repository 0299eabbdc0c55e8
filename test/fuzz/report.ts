/** A run as a table, and whether it was all right. */

import { medianMb } from './memory.ts';
import type { Done, Played } from './play.ts';

/** More than this share above the beginning, and so much, is a leak; live heaps were seen to go from 27 to 33 MB. */
const GROWTH = 1.25;
const GROWTH_MB = 30;
/** Of all memory: garbage stays until there is much of it; seen to level off at 300 MB. */
const RSS_GROWTH_MB = 150;

/** What was wrong with a run, its memory included. */
export function verdictOf({ wrong, memory }: Played): readonly string[] {
    const [early, late] = [medianMb(memory.seenMb, 0.25, 0.5), medianMb(memory.seenMb, 0.75, 1)];
    const [startLive, endLive] = memory.liveMb;
    const grown = (from: number, to: number) => !(to <= from * GROWTH + GROWTH_MB);
    return [
        ...wrong,
        ...(late > early * GROWTH + RSS_GROWTH_MB
            ? [`memory rose from ${early.toFixed(0)} to ${late.toFixed(0)} MB under attack`]
            : []),
        ...(grown(startLive, endLive)
            ? [`memory in use rose from ${startLive.toFixed(0)} to ${endLive.toFixed(0)} MB`]
            : []),
    ];
}

/** The lines of the table. */
export function tableOf(played: Played): string[] {
    const { main, limited, quiet, under, memory, lines } = played;
    const { freshMb, startMb, seenMb, endMb } = memory;
    const mb = (value: number) => `${value.toFixed(0)} MB`;
    return [
        ...rowsOf('main', main),
        ...rowsOf('with rates', limited),
        `  log lines: ${listed(limited.lines)}`,
        `pong, ms: quiet ${spread(quiet.pongMs)} · under attack ${spread(under.pongMs)}`,
        `commit → event, ms: quiet ${spread(quiet.eventMs)} · under attack ${spread(under.eventMs)}`,
        `memory: fresh ${mb(freshMb)} · after the warm-up ${mb(startMb)} · peak ${mb(Math.max(startMb, ...seenMb))} · ` +
            `second quarter ${mb(medianMb(seenMb, 0.25, 0.5))} · last ${mb(medianMb(seenMb, 0.75, 1))} · after a rest ${mb(endMb)}`,
        `memory in use, without garbage: after the warm-up ${mb(memory.liveMb[0])} · in the end ${mb(memory.liveMb[1])}`,
        `memory over time, MB: ${everyTenth(seenMb).join(' ')}`,
        `log lines: ${listed(lines)}`,
        `crashes, failures, unanswered: ${played.wrong.length}`,
    ];
}

function rowsOf(name: string, { inputs, tookMs, connections, kinds, statuses }: Done): string[] {
    const perSecond = ((1000 * inputs) / tookMs).toFixed(0);
    return [
        `${name}: ${inputs} inputs in ${(tookMs / 1000).toFixed(0)} s (${perSecond}/s) on ${connections} connections`,
        `  ${listed(kinds)}`,
        `  HTTP answers: ${listed(statuses)}`,
    ];
}

function listed(counts: ReadonlyMap<string, number>): string {
    const sorted = [...counts].sort(([, a], [, b]) => b - a);
    return sorted.map(([name, n]) => `${name} ${n}`).join(', ') || 'none';
}

function spread(values: readonly number[]): string {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1);
    return `p50 ${at(0.5)} p99 ${at(0.99)} (${sorted.length})`;
}

function everyTenth(values: readonly number[]): string[] {
    const step = Math.max(1, Math.ceil(values.length / 30));
    return values.filter((_, n) => n % step === 0).map((value) => value.toFixed(0));
}

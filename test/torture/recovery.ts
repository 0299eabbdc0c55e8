/** How long after a fault every reader had something that was written after it. */

import type { Fault, History } from './history.ts';

/** Milliseconds from a fault to the first event, at the last reader, of a transaction committed since; null if none came. */
function recoveryMs(history: History, fault: Fault): number | null {
    const since = new Set(
        history.transactions
            .filter(({ outcome, endedMs }) => outcome === 'committed' && endedMs > fault.fromMs)
            .map(({ key }) => key),
    );
    const firsts = new Map<string, number>();
    for (const { reader, items } of history.readings) {
        for (const item of items) {
            if (item.kind !== 'event' || item.atMs < fault.fromMs || !since.has(item.key)) continue;
            firsts.set(reader, Math.min(firsts.get(reader) ?? Number.POSITIVE_INFINITY, item.atMs));
            break;
        }
    }
    return firsts.size === 0 ? null : Math.max(...firsts.values()) - fault.fromMs;
}

/** The recoveries of each kind of fault, the shortest first. */
export function recoveries(history: History): ReadonlyMap<string, readonly number[]> {
    const kinds = new Map<string, number[]>();
    for (const fault of history.faults) {
        const took = recoveryMs(history, fault);
        if (took !== null)
            kinds.set(
                fault.kind,
                [...(kinds.get(fault.kind) ?? []), took].sort((one, other) => one - other),
            );
    }
    return kinds;
}

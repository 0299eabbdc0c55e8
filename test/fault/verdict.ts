/** Holds what readers saw against what is in the log, and the log against what the writers know. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { expect } from 'vitest';
import type { Account, Reader } from './reader.ts';
import { ROOMS } from './rooms.ts';
import type { Writers, Written } from './writers.ts';

/** What a fault did to delivery. */
export type Figures = {
    readonly committed: number;
    readonly unknown: number;
    readonly rolledBack: number;
    readonly delivered: number;
    /** Frames a client had had before, and drops. */
    readonly repeated: number;
    readonly resets: number;
    readonly reconnects: number;
};

type Logged = { readonly seq: number; readonly key: string };

/**
 * Stops the writers, waits until everything is numbered and every reader is at the heads, then judges: every committed
 * write once in the log and none that was rolled back; every reader exactly the log, in order, from where it began, save
 * what a reset told it to reload.
 */
export async function settle(sql: Sql, writers: Writers, readers: readonly Reader[]): Promise<Figures> {
    await writers.stop();
    await numberAll(sql);
    const logs = await readLogs(sql);
    for (const reader of readers) {
        for (const [topic, log] of logs) await reader.reaches(topic, log.at(-1)?.seq ?? 0);
    }
    const { written } = writers;
    judgeLog(logs, written);
    let [delivered, repeated, resets, reconnects] = [0, 0, 0, 0];
    for (const reader of readers) {
        reconnects += reader.reconnects;
        for (const [topic, account] of reader.accounts) {
            judgeReader(`${reader.name} on ${topic}`, account, logs.get(topic) ?? []);
            delivered += account.seen.length;
            repeated += account.repeated;
            resets += account.resets.length;
        }
    }
    const count = (writes: Written['committed']) => writes.reduce((sum, { topics }) => sum + topics.length, 0);
    return {
        committed: count(written.committed),
        unknown: count(written.unknown),
        rolledBack: count(written.rolledBack),
        delivered,
        repeated,
        resets,
        reconnects,
    };
}

/** Waits until no event is left that has no number. */
async function numberAll(sql: Sql): Promise<void> {
    const lastMs = performance.now() + 30_000;
    for (;;) {
        const [row] = await sql<{ left: number }[]>`
            select count(*)::int as left from tidings.event e
            where not exists (select from tidings.stream s where s.event_id = e.id and s.event_at = e.at)`;
        if (row?.left === 0) return;
        if (performance.now() > lastMs)
            throw new Error(`expected every event to be numbered within 30 s, got ${row?.left} left`);
        await delay(50);
    }
}

async function readLogs(sql: Sql): Promise<Map<string, Logged[]>> {
    const rows = await sql<{ topic: string; seq: string; key: string }[]>`
        select s.topic, s.seq, e.data ->> 'key' as key
        from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at
        where s.topic like 'room:%'
        order by s.topic, s.seq`;
    const logs = new Map<string, Logged[]>(ROOMS.map((topic) => [topic, []]));
    for (const { topic, seq, key } of rows) logs.get(topic)?.push({ seq: Number(seq), key });
    return logs;
}

function judgeLog(logs: ReadonlyMap<string, readonly Logged[]>, written: Written): void {
    const logged = [...logs].flatMap(([topic, log]) => log.map(({ key }) => `${topic} ${key}`));
    const once = new Set(logged);
    expect(logged.length - once.size, 'numbered twice').toBe(0);
    const named = (writes: Written['committed']) =>
        writes.flatMap(({ key, topics }) => topics.map((topic) => `${topic} ${key}`));
    expect(
        named(written.committed).filter((name) => !once.has(name)),
        'committed and not in the log',
    ).toEqual([]);
    expect(
        named(written.rolledBack).filter((name) => once.has(name)),
        'rolled back and in the log',
    ).toEqual([]);
    for (const log of logs.values()) {
        expect(log.filter(({ seq }, place) => seq !== (log[0]?.seq ?? 0) + place)).toEqual([]);
        expect(log.filter(isBeforeItsOwn()), 'before an earlier write of the same writer').toEqual([]);
    }
}

/** Whether an event comes before one its writer had committed earlier. */
function isBeforeItsOwn(): (event: Logged) => boolean {
    const last = new Map<string, number>();
    return ({ key }) => {
        const [writer = '', n] = key.split('.');
        const earlier = last.get(writer) ?? 0;
        last.set(writer, Number(n));
        return Number(n) <= earlier;
    };
}

function judgeReader(who: string, account: Account, log: readonly Logged[]): void {
    expect(account.violations, who).toEqual([]);
    const due = log.filter(
        ({ seq }) => seq > account.from && !account.resets.some(({ after, upto }) => seq > after && seq <= upto),
    );
    expect(
        account.seen.map(({ seq, key }) => ({ seq, key })),
        who,
    ).toEqual(due);
}

/** How long after `fromMs` the first event committed after it had reached every reader. */
export function recoveryMs(fromMs: number, writers: Writers, readers: readonly Reader[]): number {
    const later = new Set(writers.written.committed.filter(({ endedMs }) => endedMs >= fromMs).map(({ key }) => key));
    if (later.size === 0) throw new Error('expected writes to be committed after the fault, got none');
    const firsts = readers.map((reader) => {
        const arrivals = [...reader.accounts.values()].flatMap(({ seen }) => seen.filter(({ key }) => later.has(key)));
        return Math.min(...arrivals.map(({ atMs }) => atMs));
    });
    return Math.max(...firsts) - fromMs;
}

/** The longest a committed write took to reach a reader, and the usual. */
export function latenciesMs(
    writers: Writers,
    readers: readonly Reader[],
): { readonly p50: number; readonly max: number } {
    const ended = new Map(writers.written.committed.map(({ key, endedMs }) => [key, endedMs]));
    const waits = readers
        .flatMap((reader) => [...reader.accounts.values()].flatMap(({ seen }) => seen))
        .map(({ key, atMs }) => Math.max(0, atMs - (ended.get(key) ?? atMs)))
        .sort((one, other) => one - other);
    return { p50: waits[waits.length >> 1] ?? Number.NaN, max: waits.at(-1) ?? Number.NaN };
}

/** One line for whoever reads the run. */
export function report(fault: string, figures: Figures, more: Readonly<Record<string, string | number>> = {}): void {
    const facts = Object.entries({ ...figures, ...more }).map(([name, value]) => `${name} ${value}`);
    process.stdout.write(`fault: ${fault}: ${facts.join(', ')}\n`);
}

/** Decides whether a run kept the promise: every committed event once, in order, to those who may see it, or a reset. */

import type { History, Item, Logged, Outcome, Reading } from './history.ts';

/** How far behind a reader may be without being reset: the servers' REPLAY_LIMIT. */
const REPLAY_LIMIT = 10_000;

/** Everything a run can get wrong. */
export type ViolationKind =
    | 'lost in the log'
    | 'twice in the log'
    | 'gap in the log'
    | 'rolled back and in the log'
    | 'row inverted in the log'
    | 'lost'
    | 'repeated'
    | 'gap'
    | 'not in the log'
    | 'row inverted'
    | 'resume that is none'
    | 'reset that is missing'
    | 'reset for nothing'
    | 'seen after revocation'
    | 'seen by a stranger'
    | 'thrown out'
    | 'final state differs';

/** One thing that is wrong. */
export type Violation = { readonly kind: ViolationKind; readonly what: string };

/** What was counted, and all that is wrong; right if nothing is. */
export type Verdict = {
    readonly committed: number;
    readonly rolledBack: number;
    readonly unknown: number;
    readonly delivered: number;
    readonly resets: number;
    readonly resumes: number;
    readonly violations: readonly Violation[];
};

/** Holds a history against what the database says. Readers must have come to rest before. */
export function judge(history: History, outcome: Outcome): Verdict {
    const violations: Violation[] = [];
    const wrong = (kind: ViolationKind, what: string) => void violations.push({ kind, what });
    judgeLog(history, outcome, wrong);
    const topics = groupByTopic(outcome.log);
    let [delivered, resets, resumes] = [0, 0, 0];
    for (const reading of history.readings) {
        const log = topics.get(reading.topic) ?? [];
        delivered += reading.items.filter(({ kind }) => kind === 'event').length;
        resets += reading.items.filter(isReset).length;
        resumes += reading.items.filter((item) => item.kind === 'subscribed' && item.outcome === 'resumed').length;
        judgeReading({ reading, log, history, outcome, wrong });
    }
    const ended = (name: string) => history.transactions.filter(({ outcome: how }) => how === name).length;
    return {
        committed: outcome.committed.size,
        rolledBack: ended('rolledBack'),
        unknown: ended('unknown'),
        delivered,
        resets,
        resumes,
        violations,
    };
}

type Wrong = (kind: ViolationKind, what: string) => void;

function judgeLog({ transactions }: History, { log, committed, captureErrors }: Outcome, wrong: Wrong): void {
    const events = log.filter(({ event }) => event !== 'tidings.reset');
    const names = new Map<string, number>();
    for (const entry of events) names.set(nameOf(entry), (names.get(nameOf(entry)) ?? 0) + 1);
    for (const [name, times] of names) if (times > 1) wrong('twice in the log', `${name} ${times} times`);
    const undone = new Set(transactions.filter(({ key }) => !committed.has(key)).map(({ key }) => key));
    for (const entry of events) if (undone.has(entry.key)) wrong('rolled back and in the log', nameOf(entry));
    for (const entry of log.filter(isOutOfTurn())) wrong('gap in the log', `${entry.topic} ${entry.seq}`);
    for (const entry of events.filter(isOlderThanBefore())) wrong('row inverted in the log', nameOf(entry));
    const lost = transactions
        .filter(({ key }) => committed.has(key))
        .flatMap(({ writes }) => writes)
        .filter((write) => !names.has(nameOf(write)));
    // A statement that could not be captured wrote one row, and is owned up to.
    if (lost.length > captureErrors) for (const write of lost) wrong('lost in the log', nameOf(write));
}

/** Whether a row's seq is not the one after that of the row before it in its topic. */
function isOutOfTurn(): (entry: Logged) => boolean {
    const heads = new Map<string, number>();
    return ({ topic, seq }) => {
        const head = heads.get(topic) ?? seq - 1;
        heads.set(topic, seq);
        return seq !== head + 1;
    };
}

/** Whether a version of a row comes after a later one. */
function isOlderThanBefore(): (entry: { readonly row: number; readonly version: number }) => boolean {
    const versions = new Map<number, number>();
    return ({ row, version }) => {
        const before = versions.get(row) ?? 0;
        versions.set(row, version);
        return version <= before;
    };
}

type Case = {
    readonly reading: Reading;
    readonly log: readonly Logged[];
    readonly history: History;
    readonly outcome: Outcome;
    readonly wrong: Wrong;
};

function judgeReading(one: Case): void {
    const { reading, history, wrong } = one;
    const changes = history.access.filter(({ userId, topic }) => userId === reading.userId && topic === reading.topic);
    const mayEver = changes.some(({ may }) => may);
    if (!mayEver) {
        for (const item of reading.items) {
            if (item.kind === 'event' || item.kind === 'subscribed' || item.kind === 'reset')
                wrong('seen by a stranger', `${reading.reader} ${reading.topic} ${JSON.stringify(item)}`);
        }
        return;
    }
    follow(one);
    judgeRevocations(one, changes);
    const mayNow = changes.at(-1)?.may ?? false;
    const flickered = changes.some(({ may }) => !may);
    if (mayNow) judgeEnd(one);
    if (!flickered && reading.items.some(({ kind }) => kind === 'unsubscribed' || kind === 'forbidden'))
        wrong('thrown out', `${reading.reader} of ${reading.topic}, which they might read all the time`);
}

/** Walks what came: on a subscription seq goes up by exactly one, and every event is the log's. */
function follow({ reading, log, outcome, wrong }: Case): void {
    const bySeq = new Map(log.map((entry) => [entry.seq, entry]));
    const object = (kind: ViolationKind, what: string) => wrong(kind, `${reading.reader} on ${reading.topic}: ${what}`);
    let [cursor, epoch, isOlder] = [0, '', isOlderThanBefore()];

    function begin(item: Item & { kind: 'subscribed' | 'reset' }): void {
        const resumed = item.kind === 'subscribed' && item.outcome === 'resumed';
        if (resumed && (item.since !== cursor || item.epoch !== epoch))
            object('resume that is none', `since ${item.since} of ${item.epoch}, had ${cursor} of ${epoch}`);
        if (isReset(item) && item.epoch === epoch && !isDue(item.seq))
            object('reset for nothing', `from ${cursor} to ${item.seq} of ${epoch}`);
        if (!resumed) [cursor, isOlder] = [item.seq, isOlderThanBefore()];
        epoch = item.epoch;
    }

    /** Something is missing on the way, or the way is too long. */
    function isDue(seq: number): boolean {
        const lost = log.some((entry) => entry.event === 'tidings.reset' && entry.seq > cursor && entry.seq <= seq);
        return lost || seq < cursor || seq - cursor > REPLAY_LIMIT;
    }

    function take(item: Item & { kind: 'event' }): void {
        const { seq, key, version } = item;
        if (seq <= cursor) {
            object('repeated', `${seq} after ${cursor}`);
            return;
        }
        if (seq !== cursor + 1) object('gap', `${seq} after ${cursor}`);
        cursor = seq;
        const entry = bySeq.get(seq);
        if (entry === undefined || entry.key !== key || entry.version !== version)
            object('not in the log', `${seq} ${nameOf({ ...item, topic: reading.topic })}`);
        if (isOlder(item)) object('row inverted', `row ${item.row} version ${version}`);
        const due = entry === undefined ? undefined : epochAt(outcome, entry.gseq);
        if (due !== undefined && !epoch.startsWith(due))
            object('reset that is missing', `${seq} is of epoch ${due}, the reader in ${epoch}`);
    }

    for (const item of reading.items) {
        if (item.kind === 'subscribed' || item.kind === 'reset') begin(item);
        else if (item.kind === 'event') take(item);
    }
}

/** An event whose transaction began after a revocation had been committed must not come before a grant was begun. */
function judgeRevocations({ reading, wrong }: Case, changes: History['access']): void {
    changes.forEach((change, n) => {
        if (change.may) return;
        const grantedMs = changes.slice(n + 1).find(({ may }) => may)?.fromMs ?? Number.POSITIVE_INFINITY;
        for (const item of reading.items) {
            if (item.kind === 'event' && item.atMs < grantedMs && startOf(item.key) > change.toMs)
                wrong('seen after revocation', `${reading.reader} on ${reading.topic}: ${item.seq} ${item.key}`);
        }
    });
}

/** Keys carry the time their transaction began: `<writer>.<n>@<ms>`. */
function startOf(key: string): number {
    return Number(key.slice(key.indexOf('@') + 1));
}

/** Whoever may read at the end has come to the head, and knows each row as the table has it. */
function judgeEnd({ reading, log, outcome, wrong }: Case): void {
    const where = `${reading.reader} on ${reading.topic}`;
    const head = log.at(-1)?.seq ?? 0;
    const { cursor, versions } = finalState(reading.items);
    if (cursor === null) wrong('lost', `${where}: never subscribed`);
    else if (cursor < head) wrong('lost', `${where}: at ${cursor}, the head is ${head}`);
    for (const [row, version] of versions) {
        const there = outcome.table.get(row);
        if (there?.topic === reading.topic && there.version !== version && outcome.captureErrors === 0)
            wrong('final state differs', `${where}: row ${row} is ${there.version}, the reader has ${version}`);
    }
}

function finalState(items: readonly Item[]): { cursor: number | null; versions: Map<number, number> } {
    let cursor: number | null = null;
    const versions = new Map<number, number>();
    for (const item of items) {
        if (item.kind === 'event') {
            cursor = Math.max(cursor ?? 0, item.seq);
            versions.set(item.row, item.version);
        } else if (item.kind === 'reset' || (item.kind === 'subscribed' && item.outcome !== 'resumed')) {
            cursor = item.seq;
            versions.clear();
        }
    }
    return { cursor, versions };
}

/** It tells its reader to load the topic anew. */
function isReset(item: Item): boolean {
    return item.kind === 'reset' || (item.kind === 'subscribed' && item.outcome === 'reset');
}

/** The epoch a place in the stream is of; unknown before the first that was noted. */
function epochAt({ epochs }: Outcome, gseq: number): string | undefined {
    return epochs.findLast(({ gseq: from }) => gseq > from)?.epoch;
}

function nameOf({ topic, row, version, key }: Pick<Logged, 'topic' | 'row' | 'version' | 'key'>): string {
    return `${topic} row ${row} v${version} (${key})`;
}

function groupByTopic(log: readonly Logged[]): Map<string, Logged[]> {
    const topics = new Map<string, Logged[]>();
    for (const entry of log) {
        const known = topics.get(entry.topic);
        if (known === undefined) topics.set(entry.topic, [entry]);
        else known.push(entry);
    }
    return topics;
}

/** One run: an arena, load, faults, rest, and the verdict. */

import { setTimeout as delay } from 'node:timers/promises';
import { signToken } from '../../src/auth/index.ts';
import { createRandom } from '../support/random.ts';
import { type Arena, type ArenaOptions, buildArena } from './arena.ts';
import { isNumbered, ROOMS, readOutcome, setMember, TOPICS, topicOf } from './domain.ts';
import { emptyHistory, type History, type Outcome } from './history.ts';
import { judge, type Verdict } from './judge.ts';
import { currentEpoch, NEMESES, type Victims } from './nemeses.ts';
import { type Reader, startReader } from './readers.ts';
import { SECRET } from './servers.ts';
import { startWriters } from './writers.ts';

/** What a run is like. */
export type PlayOptions = ArenaOptions & {
    readonly seed: number;
    /** Load goes on for this long. */
    readonly forMs: number;
    /** Names of nemeses; each comes in turn, in an order drawn by the seed. */
    readonly faults: readonly string[];
    readonly readers?: number;
    readonly perSecond?: number;
    readonly pauseMs?: number;
    /** How long clients read nothing when that is a fault. */
    readonly stallMs?: number;
    readonly onProgress?: (line: string) => void;
};

/** A run and its judgement. `fired` counts what each nemesis really did. */
export type Played = {
    readonly verdict: Verdict;
    readonly history: History;
    readonly outcome: Outcome;
    readonly fired: Readonly<Record<string, number>>;
};

const TOKEN_MS = 3_600_000;
const REST_MS = 60_000;
const BETWEEN_FAULTS_MS = 1200;

/** Plays a run to its end. Rejects only if the arena itself fails. */
export async function play(options: PlayOptions): Promise<Played> {
    const random = createRandom(options.seed);
    const history = emptyHistory();
    const arena = await buildArena(options);
    try {
        return await playIn(arena, options, history, random);
    } finally {
        await arena.stop();
    }
}

async function playIn(arena: Arena, options: PlayOptions, history: History, random: () => number): Promise<Played> {
    const { faults, forMs, readers: count = 10, perSecond = 60, pauseMs = 120, onProgress = () => undefined } = options;
    const epochs = [{ ...(await currentEpoch(arena)), gseq: -1 }];
    const users = [...Array.from({ length: count }, (_, n) => `steady${n}`), 'fickle1', 'fickle2', 'stranger'];
    for (const user of users.filter((name) => name !== 'stranger'))
        for (let room = 0; room < ROOMS; room += 1) await change(arena, history, user, room, true);
    const readers = await Promise.all(users.map((user) => readerOf(user, arena, history, random)));
    await delay(500);
    const writers = startWriters({ url: arena.url, count: 5, perSecond, pauseMs, random, history });
    const fickle = startFickle(arena, history, random);
    const stallMs = options.stallMs === undefined ? {} : { stallMs: options.stallMs };
    const victims: Victims = { arena, readers, random, epochs, ...stallMs };
    const fired: Record<string, number> = Object.fromEntries(faults.map((name) => [name, 0]));
    const endMs = performance.now() + forMs;
    let order: string[] = [];
    while (performance.now() < endMs) {
        await delay(Math.min(BETWEEN_FAULTS_MS * (0.5 + random()), Math.max(0, endMs - performance.now())));
        if (faults.length === 0 || performance.now() >= endMs) continue;
        if (order.length === 0) order = shuffled(faults, random);
        const kind = order.pop() ?? '';
        const fromMs = performance.now();
        const done = (await NEMESES[kind]?.(victims)) ?? 0;
        history.faults.push({ kind, fromMs, toMs: performance.now() });
        fired[kind] = (fired[kind] ?? 0) + done;
        onProgress(`${kind} ${done}`);
    }
    await fickle.stop();
    await writers.stop();
    await rest(arena, readers);
    const outcome = await readOutcome(arena.sql, epochs);
    await Promise.all(readers.map((reader) => reader.stop()));
    return { verdict: judge(history, outcome), history, outcome, fired };
}

async function readerOf(user: string, arena: Arena, history: History, random: () => number): Promise<Reader> {
    const token = await signToken(SECRET, user, TOKEN_MS, { issuer: null, audience: null });
    const urls = arena.servers.map(({ url }) => url);
    return startReader({ name: user, userId: user, token, urls, topics: TOPICS, random, history });
}

async function change({ sql }: Arena, history: History, userId: string, room: number, may: boolean): Promise<void> {
    const fromMs = performance.now();
    await setMember(sql, userId, room, may);
    history.access.push({ userId, topic: topicOf(room), may, fromMs, toMs: performance.now() });
}

/** Users who lose a room and get it back, now and then. In the end all have all. */
function startFickle(arena: Arena, history: History, random: () => number): { stop(): Promise<void> } {
    let stopped = false;
    async function run(user: string): Promise<void> {
        while (!stopped) {
            const room = Math.floor(random() * ROOMS);
            await surely(() => change(arena, history, user, room, false));
            await delay(200 + random() * 800);
            await surely(() => change(arena, history, user, room, true));
            await delay(random() * 600);
        }
    }
    const running = ['fickle1', 'fickle2'].map(run);
    return {
        async stop() {
            stopped = true;
            await Promise.all(running);
        },
    };
}

/** Changes of access must be known to have been made, so they are tried until they are. */
async function surely(work: () => Promise<void>): Promise<void> {
    for (;;) {
        try {
            return await work();
        } catch {
            await delay(100);
        }
    }
}

/** Waits until everything is numbered and every reader that may is at the heads; a run that does not come to rest is judged as it is. */
async function rest(arena: Arena, readers: readonly Reader[]): Promise<void> {
    const lastMs = performance.now() + REST_MS;
    while (performance.now() < lastMs) {
        await delay(200);
        if (!(await isNumbered(arena.sql))) continue;
        const heads = await arena.sql<{ topic: string; seq: number }[]>`
            select s.topic, max(s.seq)::int as seq from tidings.stream s where s.topic like 'room:%' group by s.topic`;
        const members = readers.filter(({ name }) => name !== 'stranger');
        if (members.every((reader) => heads.every(({ topic, seq }) => (reader.cursor(topic) ?? -1) >= seq))) break;
    }
    // What comes beyond a head would be wrong: give it time to come.
    await delay(500);
}

function shuffled<T>(from: readonly T[], random: () => number): T[] {
    return from
        .map((value) => ({ value, by: random() }))
        .sort((one, other) => one.by - other.by)
        .map(({ value }) => value);
}

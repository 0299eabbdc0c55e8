/** One run: a server, a healthy client, attackers, a rest, and what was wrong. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { signToken } from '../../src/auth/index.ts';
import { attackRoutes, attackSockets, type Raid } from './attack.ts';
import { createDice } from './dice.ts';
import { HEALTHY_USER, startHealthy, type Waits } from './healthy.ts';
import { watchMemory } from './memory.ts';
import type { Route } from './requests.ts';
import { SECRET, startTarget, type Target } from './target.ts';

/** What a run is like. */
export type PlayOptions = {
    /** The program's file. */
    readonly program: string;
    readonly databaseUrl: string;
    /** A superuser's pool on the database, which has the example's seed in it. */
    readonly sql: Sql;
    readonly seed: number;
    readonly inputs: number;
    /** Over what is left for rates, warm-up and the main part together. */
    readonly mostMs: number;
    /** How long it is quiet before, and after. */
    readonly restMs: number;
};

/** What attackers did. */
export type Done = {
    readonly inputs: number;
    readonly tookMs: number;
    readonly connections: number;
    readonly kinds: ReadonlyMap<string, number>;
    readonly statuses: ReadonlyMap<string, number>;
};

/** A run. */
export type Played = {
    readonly main: Done;
    /** The share that met limits of rate. */
    readonly limited: Done & { readonly lines: ReadonlyMap<string, number> };
    readonly quiet: Waits;
    readonly under: Waits;
    /** Before anything, after the warm-up and a rest, and after all and a rest; `seenMb` is of the main part. */
    readonly memory: {
        readonly freshMb: number;
        readonly startMb: number;
        readonly seenMb: readonly number[];
        readonly endMb: number;
        /** In use after the warm-up, and in the end. */
        readonly liveMb: readonly [number, number];
    };
    readonly lines: ReadonlyMap<string, number>;
    readonly wrong: readonly string[];
};

/** Of all inputs; the rest is the main part. */
const WARM_SHARE = 0.1;
const LIMITED_SHARE = 0.1;
/** Attackers at work together. */
const SOCKETS = 10;
const CONNECTIONS = 16;
/** Of the heap, for those who send frames. */
const FRAMES_SHARE = 0.85;
const NO_RATES = { WS_RATE: '0', REST_RATE: '0', WS_MAX_CONNECTIONS_PER_USER: '0' };
const TOKEN_MS = 3_600_000;

/** Plays a run to its end. */
export async function play(options: PlayOptions): Promise<Played> {
    const wrong: string[] = [];
    const endMs = performance.now() + options.mostMs;
    const target = await startTarget(options.program, options.databaseUrl, NO_RATES);
    const freshMb = await target.rssMb();
    const healthy = await startHealthy(target.port, await signToken(SECRET, HEALTHY_USER, TOKEN_MS), options.sql);
    const [quiet, under, after] = [none(), none(), none()];
    const raid = (share: number, seed: number) =>
        attack(target, { ...options, inputs: Math.round(options.inputs * share), seed, endMs, wrong });

    await raid(WARM_SHARE, options.seed + 1);
    await delay(options.restMs);
    healthy.into(quiet);
    await delay(options.restMs);
    const startMb = await target.rssMb();
    const startLiveMb = await target.liveMb();
    const memory = watchMemory(target.rssMb);
    healthy.into(under);
    const main = await raid(1 - WARM_SHARE - LIMITED_SHARE, options.seed + 2);
    healthy.into(after);
    memory.stop();
    await delay(2 * options.restMs);
    const endMb = await target.rssMb();
    const endLiveMb = await target.liveMb();
    await healthy.stop();
    await target.stop();
    const limited = await playLimited(options, endMs, wrong);
    return {
        main,
        limited,
        quiet,
        under,
        memory: { freshMb, startMb, seenMb: memory.seenMb, endMb, liveMb: [startLiveMb, endLiveMb] },
        lines: target.lines,
        wrong: [...target.complaints, ...healthy.complaints, ...wrong],
    };
}

/** The same with every limit as it is by default, and by one user, who meets them. */
async function playLimited(options: PlayOptions, endMs: number, wrong: string[]): Promise<Played['limited']> {
    const target = await startTarget(options.program, options.databaseUrl, {});
    const inputs = Math.round(options.inputs * LIMITED_SHARE);
    const done = await attack(target, { ...options, inputs, seed: options.seed + 3, endMs, wrong, users: 1 });
    await target.stop();
    wrong.push(...target.complaints);
    return { ...done, lines: target.lines };
}

type Attack = {
    readonly inputs: number;
    readonly seed: number;
    readonly endMs: number;
    readonly wrong: string[];
    /** How many speak. */
    readonly users?: number;
};

async function attack(target: Target, { inputs, seed, endMs, wrong, users }: Attack): Promise<Done> {
    const begunMs = performance.now();
    const frames = Math.round(inputs * FRAMES_SHARE);
    const common = {
        port: target.port,
        dice: createDice(seed),
        routes: await routesOf(target.port),
        tokens: (await tokens()).slice(0, users),
        kinds: new Map<string, number>(),
        statuses: new Map<string, number>(),
        wrong: (what: string) => void wrong.push(what),
    };
    const heapOf = (count: number): Raid & { taken: number } => ({
        ...common,
        connections: 0,
        taken: 0,
        take() {
            if (this.taken >= count || performance.now() > endMs || wrong.length > 20) return false;
            this.taken += 1;
            return true;
        },
    });
    const [sockets, routes] = [heapOf(frames), heapOf(inputs - frames)];
    await Promise.all([
        ...Array.from({ length: SOCKETS }, () => attackSockets(sockets)),
        ...Array.from({ length: CONNECTIONS }, () => attackRoutes(routes)),
    ]);
    return {
        inputs: sockets.taken + routes.taken,
        tookMs: performance.now() - begunMs,
        connections: sockets.connections + routes.connections,
        kinds: common.kinds,
        statuses: common.statuses,
    };
}

async function routesOf(port: number): Promise<Route[]> {
    const response = await fetch(`http://127.0.0.1:${port}/openapi.json`);
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
    return [...documented, { method: 'GET', path: '/nothing' }, { method: 'BREW', path: '/projects' }];
}

/** Of the seed's users, who have rights of every kind, and of some who have none. */
async function tokens(): Promise<string[]> {
    const users = Array.from(
        { length: 10 },
        (_, n) => `00000000-0000-4000-8000-0000000001${String(n + 1).padStart(2, '0')}`,
    );
    return await Promise.all([...users, '42', 'auth0|17'].map((user) => signToken(SECRET, user, TOKEN_MS)));
}

function none(): Waits {
    return { eventMs: [], pongMs: [] };
}

/**
 * What do 2 000 well-behaved clients notice of 500 hostile ones? How late their events are and whether any is missing, before,
 * while every attack of hostile-attacks.ts goes on at once, and after; the server's memory, processor time and log meanwhile,
 * and how the hostile were answered. Each kind of client is a process; server and PostgreSQL share the same cores.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startCluster } from './cluster.ts';
import type { AttackOrders, AttackReport } from './hostile-attackers.ts';
import { type Phase, p99, printAttacks, printHead, printLog, printPhase, printVerdict } from './hostile-report.ts';
import type { Place, WitnessOrders, WitnessReport } from './hostile-witnesses.ts';
import { placesOf, prepare, write } from './hostile-writer.ts';
import { parentOf, processorSeconds } from './processor-time.ts';
import { checkFiles, type ServerProcess, startServerProcess } from './server-process.ts';

const CLIENTS = 2000;
const CLIENT_ADDRESSES = 1000;
const ATTACKERS = 500;
const ATTACKER_ADDRESSES = 25;
const SECONDS = 300;
const QUIET_SECONDS = 60;
/** Attackers have less of a right to the cores than what is measured. */
const NICE = 10;
const PATIENCE_MS = 60_000;
/** After everybody has come. */
const SETTLE_MS = 5000;

/** Passed on to the server, which otherwise has its defaults. */
const SETTINGS = ['WS_CONNECT_RATE', 'WS_MAX_LAG_MS', 'WS_RATE', 'REST_RATE', 'LOG_LEVEL'];

/** What is measured. */
type Scene = {
    readonly server: ServerProcess;
    readonly postmaster: number;
    readonly witnesses: ChildProcess;
    /** How long each commit took since it was emptied. */
    readonly commitMs: number[];
    /** Lines of the server's log since it was emptied. */
    readonly log: Map<string, number>;
};

export async function ask({
    seconds = SECONDS,
    clients = CLIENTS,
}: {
    seconds?: number;
    clients?: number;
} = {}): Promise<void> {
    await checkFiles(clients + ATTACKERS + 500);
    const cluster = await startCluster();
    const { sql, url } = cluster;
    const children: ChildProcess[] = [];
    const log = new Map<string, number>();
    const passed = SETTINGS.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
    const server = await startServerProcess(url, {
        env: { ...Object.fromEntries(passed), TRUST_PROXY: '1' },
        nodeOptions: process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? [],
        onLine: (line) => note(log, line),
    });
    try {
        const past = await prepare(sql);
        const orders: WitnessOrders = {
            port: server.port,
            clients,
            addresses: CLIENT_ADDRESSES,
            places: await placesOf(sql),
        };
        const witnesses = await start(children, 'witnesses', orders);
        const commitMs: number[] = [];
        const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
        const postmaster = await parentOf(backend?.pid ?? 0);
        const writer = write(sql, commitMs);
        const scene: Scene = { server, postmaster, witnesses, commitMs, log };
        printHead(clients);
        try {
            await pause(SETTLE_MS);
            await play(scene, seconds, () => start(children, 'attackers', attackOrders(server, past)));
        } finally {
            await writer.stop();
        }
        printVerdict(await lastReport(witnesses, await placesOf(sql)), clients);
    } finally {
        for (const child of children) child.kill();
        await server.stop();
        await cluster.stop();
    }
}

function attackOrders({ port }: ServerProcess, { head: since, epoch }: Place): AttackOrders {
    return { port, attackers: ATTACKERS, addresses: ATTACKER_ADDRESSES, past: { since, epoch } };
}

/** The three phases. */
async function play(scene: Scene, seconds: number, startAttackers: () => Promise<ChildProcess>): Promise<void> {
    const quietSeconds = Math.min(QUIET_SECONDS, seconds);
    const quiet = await measure('quiet', quietSeconds, scene);
    const attackers = await startAttackers();
    const hostile = await measure(`${ATTACKERS} hostile`, seconds, scene, attackers);
    const attacks = await answerOf<readonly AttackReport[]>(attackers, 'report');
    attackers.kill();
    await measure('they left', quietSeconds, scene);
    printAttacks(attacks, seconds);
    printLog(hostile.log);
    const ratio = p99(hostile.report) / p99(quiet.report);
    console.log(`hostile p99 / quiet p99: ${ratio.toFixed(2)} (aim: at most 2)`);
}

/** Watches memory and processor time for a while, and asks the witnesses how it was. */
async function measure(name: string, seconds: number, scene: Scene, attackers?: ChildProcess): Promise<Phase> {
    const { server, postmaster, witnesses, commitMs, log } = scene;
    await answerOf(witnesses, 'report');
    commitMs.length = 0;
    log.clear();
    const processes = [server.pid, postmaster, witnesses.pid ?? 0, attackers?.pid ?? 0];
    const before = await Promise.all(processes.map(processorSeconds));
    const startedMs = performance.now();
    let mostMb = 0;
    while (performance.now() < startedMs + seconds * 1000) {
        await pause(1000);
        mostMb = Math.max(mostMb, await server.rssMb());
    }
    const after = await Promise.all(processes.map(processorSeconds));
    const tookSeconds = (performance.now() - startedMs) / 1000;
    const phase: Phase = {
        name,
        seconds: tookSeconds,
        report: await answerOf<WitnessReport>(witnesses, 'report'),
        commitMs: commitMs.toSorted((a, b) => a - b),
        coreShares: after.map((spent, n) => (spent - (before[n] ?? 0)) / tookSeconds),
        mostMb,
        endMb: await server.rssMb(),
        log: new Map(log),
    };
    printPhase(phase);
    return phase;
}

/** Asks until all are where their topics are, or long enough. */
async function lastReport(witnesses: ChildProcess, heads: readonly Place[]): Promise<WitnessReport> {
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
        const report = await answerOf<WitnessReport>(witnesses, heads);
        if (report.behind === 0 || performance.now() > untilMs) return report;
        await pause(500);
    }
}

/** Lines are counted by what they tell of. */
function note(log: Map<string, number>, line: string): void {
    const type = /"type":"([\w.]+)"/.exec(line)?.[1] ?? 'other';
    log.set(type, (log.get(type) ?? 0) + 1);
}

async function start(children: ChildProcess[], who: 'witnesses' | 'attackers', orders: object): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL(`./hostile-${who}.js`, import.meta.url)));
    children.push(child);
    if (who === 'attackers' && child.pid !== undefined) setPriority(child.pid, NICE);
    await answerOf(child, orders);
    return child;
}

/** What a process says to something it is told. */
function answerOf<T = unknown>(child: ChildProcess, message: object | string): Promise<T> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('expected an answer of the clients in time')), PATIENCE_MS);
        const failed = () => reject(new Error('expected an answer of the clients, got their end'));
        child.once('exit', failed);
        child.once('message', (answer) => {
            clearTimeout(timer);
            child.off('exit', failed);
            resolve(answer as T);
        });
        child.send(message);
    });
}

function pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

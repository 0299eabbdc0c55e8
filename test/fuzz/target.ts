/** The server under attack: a process of its own, its memory, and what it says of failures. */

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** The key of all tokens of a run. */
export const SECRET = 'fuzz '.repeat(8);

/** A server that runs. */
export type Target = {
    readonly port: number;
    /** Resident memory, in MB. */
    rssMb(): Promise<number>;
    /** What of it is in use, in MB: garbage is collected first, which it is else not for a long time. */
    liveMb(): Promise<number>;
    /** What it has said that it should not have: failures, lines that are no observation, its own end. */
    readonly complaints: string[];
    /** Lines of its log by type. */
    readonly lines: ReadonlyMap<string, number>;
    stop(): Promise<void>;
};

const BAD = new Set(['handler.failed', 'service.failed', 'sequencer.failed', 'tail.failed']);
/** What is said on stderr without being an observation. */
const STOPPING = /^Stopping /;

const LIVE = 'fuzz.live';
/** Runs in the server before it: says how much is in use when it is asked to by a signal. */
const WITNESS = `data:text/javascript,${encodeURIComponent(`
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    process.on('SIGUSR2', () => {
        gc();
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        console.error(JSON.stringify({ type: '${LIVE}', mb: (heapUsed + arrayBuffers) / 2 ** 20 }));
    });
`)}`;

const children = new Set<ChildProcess>();
// A run that dies takes its servers along.
process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
});

/** Starts `program serve` on a database with the example, in a fixed environment and `env`. */
export async function startTarget(
    program: string,
    databaseUrl: string,
    env: Readonly<Record<string, string>>,
): Promise<Target> {
    const child = spawn(process.execPath, [program, 'serve'], {
        env: {
            DATABASE_URL: databaseUrl,
            JWT_SECRET: SECRET,
            PORT: '0',
            EXAMPLE: 'true',
            NODE_OPTIONS: `--import=${WITNESS}`,
            ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    const complaints: string[] = [];
    const lines = new Map<string, number>();
    let stopping = false;
    const exited = once(child, 'exit').then(([code, signal]) => {
        children.delete(child);
        if (!stopping || code !== 0) complaints.push(`the server ended with ${code ?? signal}`);
    });
    const live = new EventEmitter();
    createInterface({ input: child.stderr }).on('line', (line) => {
        const type = typeOf(line);
        if (type === LIVE) {
            live.emit(LIVE, (JSON.parse(line) as { mb: number }).mb);
            return;
        }
        lines.set(type, (lines.get(type) ?? 0) + 1);
        if (BAD.has(type) || (type === 'no observation' && !STOPPING.test(line))) complaints.push(line.slice(0, 2000));
    });
    return {
        port: await portOf(createInterface({ input: child.stdout })),
        complaints,
        lines,
        async rssMb() {
            const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
            return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
        },
        async liveMb() {
            const said = once(live, LIVE);
            child.kill('SIGUSR2');
            const [mb] = (await Promise.race([said, exited.then(() => [Number.NaN])])) as [number];
            return mb;
        },
        async stop() {
            stopping = true;
            child.kill('SIGTERM');
            const giveUp = setTimeout(() => child.kill('SIGKILL'), 20_000);
            await exited;
            clearTimeout(giveUp);
        },
    };
}

function typeOf(line: string): string {
    try {
        return String((JSON.parse(line) as { type?: unknown }).type);
    } catch {
        return 'no observation';
    }
}

async function portOf(lines: AsyncIterable<string>): Promise<number> {
    for await (const line of lines) {
        const url = /^Tidings runs at (\S+)$/.exec(line)?.[1];
        if (url !== undefined) return Number(new URL(url).port);
    }
    throw new Error('expected the server to say where it runs, got its end');
}

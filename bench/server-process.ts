/** The built server as a process of its own, under measurement: where it listens, and how much memory it takes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The key of all tokens in measurements. */
export const SECRET = 'x'.repeat(32);

/** A server that runs. */
export type ServerProcess = {
    readonly port: number;
    readonly pid: number;
    /** Resident memory, in MB. */
    rssMb(): Promise<number>;
    stop(): Promise<void>;
};

const PROGRAM = fileURLToPath(new URL('../src/cli/tidings.js', import.meta.url));

/** For one process that is all clients: no limits, and no log. */
const UNLIMITED = {
    LOG_LEVEL: 'error',
    WS_RATE: '0',
    WS_MAX_CONNECTIONS_PER_USER: '0',
    WS_MAX_LAG_MS: '0',
    REST_RATE: '0',
};

/** What a server is started with. */
export type ServerProcessOptions = {
    /** Instead of no limits. */
    readonly env?: Readonly<Record<string, string>>;
    /** Told each line of its log, which is printed otherwise. */
    readonly onLine?: (line: string) => void;
    /** Of the node that runs it. */
    readonly nodeOptions?: readonly string[];
};

/** Starts the server on a database; resolves when it says where it listens. */
export async function startServerProcess(
    databaseUrl: string,
    { env = UNLIMITED, onLine, nodeOptions = [] }: ServerProcessOptions = {},
): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...nodeOptions, PROGRAM, 'serve'], {
        env: { DATABASE_URL: databaseUrl, JWT_SECRET: SECRET, PORT: '0', ...env },
        stdio: ['ignore', 'pipe', onLine === undefined ? 'inherit' : 'pipe'],
    });
    const { pid, stdout, stderr } = child;
    if (pid === undefined || stdout === null) throw new Error('expected the server to start, got no process');
    if (stderr !== null && onLine !== undefined) createInterface({ input: stderr }).on('line', onLine);
    const exited = once(child, 'exit');
    return {
        pid,
        port: await portOf(createInterface({ input: stdout })),
        async rssMb() {
            const status = await readFile(`/proc/${pid}/status`, 'utf8');
            return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
        },
        async stop() {
            child.kill('SIGTERM');
            const giveUp = setTimeout(() => child.kill('SIGKILL'), 20_000);
            await exited;
            clearTimeout(giveUp);
        },
    };
}

async function portOf(lines: AsyncIterable<string>): Promise<number> {
    for await (const line of lines) {
        const url = /^Tidings runs at (\S+)$/.exec(line)?.[1];
        if (url !== undefined) return Number(new URL(url).port);
    }
    throw new Error('expected the server to say where it runs, got its end');
}

/** How many files this process may open, and so the server, which inherits it. */
export async function checkFiles(needed: number): Promise<void> {
    const limits = await readFile('/proc/self/limits', 'utf8');
    const most = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? '0';
    if (most !== 'unlimited' && Number(most) < needed) {
        throw new Error(`expected to be allowed ${needed} open files, got ${most}; see ulimit -Hn`);
    }
}

/** The built program as a process of its own: `tidings serve` on a test database. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clientOf, type ServerClient, testEnvironment } from './server.ts';

/** A server that can be killed, frozen and thawed. */
export type ServerProcess = ServerClient & {
    /** Sends a signal; resolves with how the process ended. */
    end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: string | null }>;
    /** Stops it in the middle of whatever it does, as a machine that hangs. */
    freeze(): void;
    thaw(): void;
    /** The observations it logged so far, as `LOG_LEVEL` lets through. */
    logged(): readonly Logged[];
};

/** A line of the log: an observation with `type` and its fields. */
type Logged = Readonly<Record<string, unknown>>;

/** Set over what test servers are started with. */
type ProcessOptions = { readonly env?: Readonly<Record<string, string>> };

const PROGRAM = fileURLToPath(new URL('../../dist/cli/tidings.js', import.meta.url));
const running = new Set<ChildProcess>();

/** Starts the program; resolves when it says where it listens. */
export async function startServerProcess(
    databaseUrl: string,
    { env = {} }: ProcessOptions = {},
): Promise<ServerProcess> {
    if (!existsSync(PROGRAM)) throw new Error(`expected ${PROGRAM} to be built, got nothing; run: npm run build`);
    const child = spawn(process.execPath, [PROGRAM, 'serve'], {
        env: { ...testEnvironment(databaseUrl), PATH: '/usr/bin:/bin', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const lines: string[] = [];
    const ended = once(child, 'exit').then(([code, signal]) => {
        running.delete(child);
        return { code, signal };
    });
    return {
        ...clientOf(await addressOf(child, lines)),
        end(signal) {
            child.kill(signal);
            return ended;
        },
        freeze: () => void child.kill('SIGSTOP'),
        thaw: () => void child.kill('SIGCONT'),
        logged: () => lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Logged),
    };
}

/** Ends those a failed test left behind. */
export function killServerProcesses(): void {
    for (const child of running) child.kill('SIGKILL');
}

async function addressOf({ stdout, stderr }: ChildProcess, lines: string[]): Promise<string> {
    if (stdout === null || stderr === null) throw new TypeError('expected the output to be pipes');
    createInterface({ input: stderr }).on('line', (line) => lines.push(line));
    return new Promise((resolve, reject) => {
        createInterface({ input: stdout })
            .on('line', (line) => {
                const url = /^Tidings runs at (\S+)$/.exec(line)?.[1];
                if (url !== undefined) resolve(url);
            })
            .on('close', () =>
                reject(new Error(`expected the program to say where it runs, got: ${lines.join('\n')}`)),
            );
    });
}

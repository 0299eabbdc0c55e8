/** The built program as a process of its own: `tidings serve` on a test database. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clientOf, type ServerClient, testEnvironment } from './server.ts';

/** A server that can be killed. */
export type ServerProcess = ServerClient & {
    /** Sends a signal; resolves with how the process ended. */
    end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: string | null }>;
};

const PROGRAM = fileURLToPath(new URL('../../dist/cli/tidings.js', import.meta.url));
const running = new Set<ChildProcess>();

/** Starts the program; resolves when it says where it listens. */
export async function startServerProcess(databaseUrl: string): Promise<ServerProcess> {
    if (!existsSync(PROGRAM)) throw new Error(`expected ${PROGRAM} to be built, got nothing; run: npm run build`);
    const child = spawn(process.execPath, [PROGRAM, 'serve'], {
        env: { ...testEnvironment(databaseUrl), PATH: '/usr/bin:/bin' },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const ended = once(child, 'exit').then(([code, signal]) => {
        running.delete(child);
        return { code, signal };
    });
    return {
        ...clientOf(await addressOf(child)),
        end(signal) {
            child.kill(signal);
            return ended;
        },
    };
}

/** Ends those a failed test left behind. */
export function killServerProcesses(): void {
    for (const child of running) child.kill('SIGKILL');
}

async function addressOf({ stdout, stderr }: ChildProcess): Promise<string> {
    if (stdout === null || stderr === null) throw new TypeError('expected the output to be pipes');
    const lines: string[] = [];
    stderr.on('data', (chunk) => lines.push(String(chunk)));
    for await (const line of createInterface({ input: stdout })) {
        lines.push(line);
        const url = /^Tidings runs at (\S+)$/.exec(line)?.[1];
        if (url !== undefined) return url;
    }
    throw new Error(`expected the program to say where it runs, got: ${lines.join('\n')}`);
}

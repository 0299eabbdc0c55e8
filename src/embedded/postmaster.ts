/**
 * The running PostgreSQL: `starting` → `ready` → `stopping` → gone.
 *
 * It is a session of its own, so that Ctrl-C reaches only us, who stop it last; it logs to a file and not to a pipe, so
 * that neither our death nor our freezing stops it from working.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TidingsError } from '../errors.ts';
import { POSTGRES_ENV } from './initdb.ts';
import { LOOPBACK } from './port.ts';
import { commandOf, isAlive } from './process-identity.ts';
import type { SystemUser } from './system-user.ts';

/** What to start. */
export type PostmasterOptions = {
    readonly program: string;
    readonly directory: string;
    readonly user: SystemUser | null;
    readonly port: number;
    readonly logFile: string;
    readonly settings: Readonly<Record<string, string>>;
    /** Hears of an end nobody asked for. */
    readonly onExit: (error: Error) => void;
};

/** A PostgreSQL that accepts connections. */
export type Postmaster = { stop(): Promise<void> };

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 6_000;
const POLL_MS = 10;

/** Starts PostgreSQL and waits until it accepts connections; crash recovery may take its time. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
    const log = await open(options.logFile, 'w', 0o600);
    const child = spawn(options.program, argumentsOf(options), {
        ...options.user,
        cwd: '/',
        env: POSTGRES_ENV,
        stdio: ['ignore', log.fd, log.fd],
        detached: true,
    });
    const exited = exitOf(child);
    await log.close();
    let asked = false;
    async function stop(): Promise<void> {
        asked = true;
        if (child.pid !== undefined) await endPostmaster(child.pid);
        await exited;
    }
    if (!(await becomesReady(child, options.directory))) {
        await stop();
        throw new TidingsError('failed', `expected PostgreSQL to start, got: ${await lastLines(options.logFile)}`);
    }
    void exited.then(async () => {
        if (!asked) options.onExit(new Error(`PostgreSQL ended by itself: ${await lastLines(options.logFile)}`));
    });
    return { stop };
}

/** Asks for a fast shutdown, after the deadline for an immediate one (the next start recovers), and waits for the end. */
export async function endPostmaster(pid: number): Promise<void> {
    signal(pid, 'SIGINT');
    if (await endsWithin(pid, STOP_DEADLINE_MS)) return;
    signal(pid, 'SIGQUIT');
    if (await endsWithin(pid, STOP_DEADLINE_MS)) return;
    throw new TidingsError('failed', `expected PostgreSQL (process ${pid}) to stop, got no end within the deadline`);
}

function argumentsOf({ directory, port, settings }: PostmasterOptions): string[] {
    const all = {
        listen_addresses: LOOPBACK,
        port: String(port),
        unix_socket_directories: '',
        log_checkpoints: 'off',
        max_connections: '200',
        ...settings,
    };
    return ['-D', directory, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

function exitOf(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.once('error', () => resolve());
    });
}

/** PostgreSQL says how it is in line 8 of its pid file. */
async function becomesReady(child: ChildProcess, directory: string): Promise<boolean> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (Date.now() < deadline) {
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
        const lines = (await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
        if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return true;
        await delay(POLL_MS);
    }
    return false;
}

async function endsWithin(pid: number, deadlineMs: number): Promise<boolean> {
    const deadline = Date.now() + deadlineMs;
    // One that has ended but was not reaped has no command line any more.
    while (isAlive(pid) && (await commandOf(pid)) !== '') {
        if (Date.now() > deadline) return false;
        await delay(POLL_MS);
    }
    return true;
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
    try {
        process.kill(pid, name);
    } catch {
        // It has ended already.
    }
}

async function lastLines(file: string): Promise<string> {
    const lines = (await readFile(file, 'utf8').catch(() => '')).trim().split('\n');
    return lines.slice(-5).join('\n') || 'nothing in its log';
}

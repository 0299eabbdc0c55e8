/** Real servers, each a process behind a proxy of its own, that can be killed and started again at the same address. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** The key of all tokens. */
export const SECRET = 'torture '.repeat(5);

/** One server. */
export type Server = {
    readonly url: string;
    /** Between it and its database. */
    readonly proxy: TcpProxy;
    kill(): Promise<void>;
    start(): Promise<void>;
    freeze(): void;
    thaw(): void;
    stop(): Promise<void>;
};

const PROGRAM = fileURLToPath(new URL('../../src/cli/tidings.js', import.meta.url));
const LOADER = new URL('./mutant-hooks.js', import.meta.url).href;

const children = new Set<ChildProcess>();
// A run that dies takes its servers along.
process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
});

/** Starts a server on a database, as the mutant named, if any. */
export async function startServer(databaseUrl: string, env: Readonly<Record<string, string>>): Promise<Server> {
    const proxy = await startTcpProxy(databaseUrl);
    const port = await freePort();
    let child: ChildProcess | null = null;
    const { TORTURE_MUTANT: mutant } = env;
    const loader = mutant === undefined ? {} : { NODE_OPTIONS: `--import=${LOADER}` };

    async function start(): Promise<void> {
        const started = spawn(process.execPath, [PROGRAM, 'serve'], {
            env: {
                DATABASE_URL: proxy.through(databaseUrl),
                JWT_SECRET: SECRET,
                PORT: String(port),
                LOG_LEVEL: 'silent',
                POOL_SIZE: '4',
                WS_RATE: '0',
                WS_MAX_CONNECTIONS_PER_USER: '0',
                WS_MAX_LAG_MS: '0',
                REST_RATE: '0',
                WS_MAX_BACKPRESSURE_BYTES: '20000',
                ...loader,
                ...env,
            },
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        child = started;
        children.add(started);
        started.once('exit', () => children.delete(started));
        await saysWhereItRuns(started);
    }

    async function end(signal: NodeJS.Signals): Promise<void> {
        const ending = child;
        child = null;
        if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
        const exited = once(ending, 'exit');
        ending.kill('SIGCONT');
        ending.kill(signal);
        const giveUp = setTimeout(() => ending.kill('SIGKILL'), 15_000);
        await exited;
        clearTimeout(giveUp);
    }

    await start();
    return {
        url: `http://127.0.0.1:${port}`,
        proxy,
        start,
        kill: () => end('SIGKILL'),
        freeze: () => void child?.kill('SIGSTOP'),
        thaw: () => void child?.kill('SIGCONT'),
        async stop() {
            await end('SIGTERM');
            await proxy.stop();
        },
    };
}

async function saysWhereItRuns(child: ChildProcess): Promise<void> {
    if (child.stdout === null) throw new TypeError('expected the output to be a pipe');
    for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('Tidings runs at ')) return;
    throw new Error('expected the server to say where it runs, got its end');
}

async function freePort(): Promise<number> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    probe.close();
    await once(probe, 'close');
    if (address === null || typeof address === 'string') throw new TypeError(`expected a port, got ${address}`);
    return address.port;
}

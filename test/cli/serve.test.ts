import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts';
import { fakeTerminal } from './fake-terminal.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/tidings.js', import.meta.url));
const ADA = '00000000-0000-4000-8000-000000000101';
const BOB = '00000000-0000-4000-8000-000000000102';

let dataDir: string;
let server: ChildProcess;
beforeAll(async () => {
    if (!existsSync(PROGRAM)) throw new Error(`expected ${PROGRAM} to be built, got nothing; run: npm run build`);
    dataDir = await makeDataDirectory();
});
afterAll(async () => {
    server?.kill('SIGKILL');
    await removeDataDirectory(dataDir);
});

/** Starts the program and waits for its greeting. */
async function serve(): Promise<readonly string[]> {
    const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' };
    server = spawn(process.execPath, [PROGRAM, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    if (server.stdout === null) throw new TypeError('expected the output to be a pipe');
    for await (const line of createInterface({ input: server.stdout })) {
        lines.push(line);
        if (line.startsWith('Stop')) return lines;
    }
    throw new Error(`expected a greeting, got: ${lines.join('\n')}`);
}

async function run(args: readonly string[]): Promise<string> {
    const terminal = fakeTerminal({ DATA_DIR: dataDir });
    expect({ code: await runProgram(args, terminal), told: terminal.told }).toMatchObject({ code: 0 });
    return terminal.printed.join('\n');
}

test('serves on an embedded database that the other commands find, and stops at SIGTERM with 0', async () => {
    const greeting = await serve();
    const [, url = ''] = /^Tidings runs at (http:\/\/127\.0\.0\.1:\d+)$/.exec(greeting[0] ?? '') ?? [];
    const [, mailUrl = ''] = /^Mail is caught at (http:\/\/127\.0\.0\.1:\d+)$/.exec(greeting[1] ?? '') ?? [];
    expect(await (await fetch(mailUrl)).text()).toContain('No mail yet.');
    expect(greeting[2]).toMatch(/^Database {5}postgresql:\/\/postgres:\S+@127\.0\.0\.1:\d+\/tidings$/);
    expect(greeting[3]).toContain(`curl -s ${url}/dev/login`);
    expect(greeting[4]).toContain(`npx tidings token --user ${ADA}`);

    const token = await run(['token', '--user', ADA]);
    const answer = await fetch(`${url}/projects`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    expect(await run(['sql', '--json', 'select count(*)::int as users from app.users'])).toBe('[{"users":10}]');
    expect(await run(['migrate', 'up'])).toBe('up to date');
    expect(await run(['digest', '--user', BOB, '--send'])).toMatch(/^sent: 250 /);
    expect(await (await fetch(mailUrl)).text()).toContain('bob@example.com');
    expect(await run(['doctor'])).toBe('all is well');

    const postmaster = Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
    const stoppingAt = performance.now();
    const exit = once(server, 'exit');
    server.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(performance.now() - stoppingAt).toBeLessThan(10_000);
    expect(isAlive(postmaster)).toBe(false);
});

test('after SIGKILL starts again on the same data, and SIGINT ends it too', async () => {
    await serve();
    await run(['sql', 'create table kept as select 42 as answer']);
    const killed = once(server, 'exit');
    server.kill('SIGKILL');
    await killed;
    await serve();
    expect(await run(['sql', '--json', 'select answer from kept'])).toBe('[{"answer":42}]');
    const exit = once(server, 'exit');
    server.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
});

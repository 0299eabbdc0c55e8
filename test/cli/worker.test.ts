/** `tidings worker` as a process of its own, beside no server. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Smtp, startSmtp } from '../mail/smtp.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/tidings.js', import.meta.url));
const BOB = '00000000-0000-4000-8000-000000000102';

let database: TestDatabase;
let smtp: Smtp;
let worker: ChildProcess | undefined;

beforeAll(async () => {
    database = await openDatabase({ example: true });
    smtp = await startSmtp();
    await database.sql`delete from tidings.notification`;
});
afterAll(async () => {
    worker?.kill('SIGKILL');
    await smtp.close();
    await database.close();
});

test('sends what is due, and stops at SIGTERM with 0', async () => {
    const env = {
        PATH: '/usr/bin:/bin',
        DATABASE_URL: database.url,
        SMTP_URL: smtp.url,
        MAIL_FROM: 'tasks@example.com',
        PUBLIC_URL: 'https://tasks.example.com',
        INSTANT_MAIL_DELAY_MS: '0',
        INSTANT_MAIL_INTERVAL_MS: '1000',
        LOG_LEVEL: 'warn',
    };
    worker = spawn(process.execPath, [PROGRAM, 'worker'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    if (!worker.stdout) throw new TypeError('expected the output to be a pipe');
    const [greeting] = await once(createInterface({ input: worker.stdout }), 'line');
    expect(greeting).toBe('Mails what is due; stop with Ctrl-C');
    await database.sql`select tidings.set_preference(${BOB}, '*', 'email', 'instant')`;
    await database.sql`select tidings.send_notification(array[${BOB}], 'task.assigned', '{"title": "Buy bread"}')`;
    await vi.waitFor(() => expect(smtp.arrived).toHaveLength(1), 15_000);
    expect((await smtp.mail()).subject).toBe('Someone assigned you Buy bread');
    const exit = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
});

/** Stopping takes no longer than two seconds, whoever is silent, and leaves each mail in a state that is true. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { openPostOffice, type PostOffice, type Sender } from './post-office.ts';

const STOP_MS = 2000;
/** For a machine that has other things to do. */
const SLACK_MS = 500;

let office: PostOffice;
let proxy: TcpProxy;

beforeAll(async () => {
    office = await openPostOffice();
    proxy = await startTcpProxy(office.database.url);
});

beforeEach(() => office.clear());

afterEach(() => {
    proxy.refuse(false);
    proxy.blackHole(false);
});

afterAll(async () => {
    await office.close();
    await proxy.stop();
});

async function stopMs(sender: Sender): Promise<number> {
    const startedMs = performance.now();
    await sender.stop();
    return performance.now() - startedMs;
}

/** Resolves when the mail server is at a step, where it says nothing more; `meanwhile` is done first. */
function silentAt(step: 'connect' | 'rcpt' | 'data', meanwhile: () => unknown = () => undefined): Promise<void> {
    return new Promise((resolve) => {
        const fallSilent = () => {
            meanwhile();
            resolve();
            return new Promise(() => undefined);
        };
        office.smtp.behave({ [step]: fallSilent });
    });
}

test.each([
    ['connect', 'claimed'],
    ['rcpt', 'claimed'],
    ['data', 'unknown'],
] as const)('while the mail server is silent at %s, the mail is %s', async (step, state) => {
    const reached = silentAt(step);
    const sender = office.sender();
    await sender.start();
    await office.tell('u1', { type: 'alarm' });
    await reached;
    expect(await stopMs(sender)).toBeLessThan(STOP_MS + SLACK_MS);
    expect(await office.mails()).toMatchObject([{ state, attempt: 1, reason: expect.any(String) }]);
});

test('while many mails are left, they are left to others', async () => {
    const reached = silentAt('rcpt');
    const sender = office.sender();
    await office.tell(
        Array.from({ length: 40 }, (_, n) => `u${n + 1}`),
        { type: 'alarm' },
    );
    await sender.start();
    await reached;
    expect(await stopMs(sender)).toBeLessThan(STOP_MS + SLACK_MS);
    const untouched = (await office.mails()).filter(({ attempt }) => attempt === 0);
    expect(untouched.length).toBeGreaterThanOrEqual(30);
});

test.each([
    ['refuses', () => proxy.refuse(true)],
    ['is silent', () => proxy.blackHole(true)],
])('while the database %s', async (_, fault) => {
    const sender = office.sender({ databaseUrl: proxy.through(office.database.url) });
    await sender.start();
    const reached = silentAt('data', () => {
        fault();
        proxy.cut();
    });
    await office.tell('u1', { type: 'alarm' });
    await reached;
    expect(await stopMs(sender)).toBeLessThan(STOP_MS + SLACK_MS);
    expect(await office.mails()).toMatchObject([{ state: 'sending', attempt: 1 }]);
});

test.each([
    ['refuses', () => proxy.refuse(true)],
    ['is silent', () => proxy.blackHole(true)],
])('when it was started while the database %s', async (_, fault) => {
    fault();
    const sender = office.sender({ databaseUrl: proxy.through(office.database.url) });
    await sender.start();
    expect(await stopMs(sender)).toBeLessThan(STOP_MS + SLACK_MS);
});

test('before it was started, and twice', async () => {
    const sender = office.sender();
    await sender.stop();
    await sender.stop();
});

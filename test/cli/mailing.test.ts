/** `tidings digest` and `tidings doctor` on a real database with a real mail server. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { type Smtp, startSmtp } from '../mail/smtp.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { fakeTerminal } from './fake-terminal.ts';

const BOB = '00000000-0000-4000-8000-000000000102';

let database: TestDatabase;
let smtp: Smtp;

beforeEach(async () => {
    database = await openDatabase({ example: true });
    smtp = await startSmtp();
    await database.sql`delete from tidings.notification`;
    await database.sql`select tidings.send_notification(array[${BOB}], 'task.assigned',
        '{"title": "Buy <b>bread</b>", "taskId": "7", "projectId": "9"}')`;
});
afterEach(async () => {
    await smtp.close();
    await database.close();
});

async function run(args: readonly string[], env: Record<string, string> = {}) {
    const terminal = fakeTerminal({
        DATABASE_URL: database.url,
        SMTP_URL: smtp.url,
        MAIL_FROM: 'Tasks <tasks@example.com>',
        PUBLIC_URL: 'https://tasks.example.com',
        ...env,
    });
    return { code: await runProgram(args, terminal), out: terminal.printed.join('\n'), err: terminal.told.join('\n') };
}

async function mails(): Promise<readonly string[]> {
    const rows = await database.sql<{ line: string }[]>`
        select concat_ws(' ', d.kind, d.state, d.attempt) as line from tidings.digest d order by d.id`;
    return rows.map(({ line }) => line);
}

describe('digest --preview', () => {
    test('prints the mail that would be sent now, and changes nothing', async () => {
        const { code, out } = await run(['digest', '--user', BOB, '--preview']);
        expect(code).toBe(0);
        expect(out.split('\n').slice(0, 4)).toEqual([
            'From: Tasks <tasks@example.com>',
            'To: Bob Baker <bob@example.com>',
            'Subject: 1 assigned to you',
            '',
        ]);
        expect(out).toContain('Someone assigned you Buy <b>bread</b>');
        expect(out).toContain('https://tasks.example.com/projects/9/tasks/7');
        expect(await mails()).toEqual([]);
        expect(smtp.arrived).toEqual([]);
        expect(await database.sql`select from tidings.notification where digest_id is not null`).toHaveLength(0);
    });

    test('prints its HTML, or all of it as JSON without the key it is signed with', async () => {
        expect((await run(['digest', '--user', BOB, '--preview', '--html'])).out).toContain(
            'Buy &lt;b&gt;bread&lt;/b&gt;',
        );
        const { generateKeyPairSync } = await import('node:crypto');
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
        const dkim = { MAIL_DKIM_DOMAIN: 'example.com', MAIL_DKIM_SELECTOR: 'mail', MAIL_DKIM_KEY: key };
        const { out } = await run(['digest', '--user', BOB, '--preview', '--json'], dkim);
        expect(JSON.parse(out)).toEqual({
            mail: {
                from: { name: 'Tasks', address: 'tasks@example.com' },
                to: { name: 'Bob Baker', address: 'bob@example.com' },
                subject: '1 assigned to you',
                messageId: expect.stringMatching(/^<.+@example\.com>$/),
                text: expect.any(String),
                html: expect.any(String),
            },
            reason: null,
        });
        expect(out).not.toContain('PRIVATE');
    });

    test('says why there is nothing', async () => {
        expect(await run(['digest', '--user', 'nobody', '--preview'])).toEqual({
            code: 0,
            out: '',
            err: 'nothing to send: nothing that was not told yet',
        });
        await database.sql`select tidings.suppress('bob@example.com', 'hard bounce')`;
        expect((await run(['digest', '--user', BOB, '--preview'])).err).toBe(
            'nothing to send: suppressed: hard bounce',
        );
    });
});

describe('digest --send', () => {
    test('sends it once, and what it told is in no other mail', async () => {
        expect(await run(['digest', '--user', BOB, '--send'])).toMatchObject({ code: 0, err: '' });
        expect((await smtp.mail()).subject).toBe('1 assigned to you');
        expect((await run(['digest', '--user', BOB, '--send'])).err).toContain('nothing to send');
        expect(smtp.arrived).toHaveLength(1);
        expect(await mails()).toEqual(['manual sent 1']);
    });

    test('signs it where there is a key', async () => {
        const { generateKeyPairSync } = await import('node:crypto');
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        const MAIL_DKIM_KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().replaceAll('\n', '\\n');
        const dkim = { MAIL_DKIM_DOMAIN: 'example.com', MAIL_DKIM_SELECTOR: 'mail', MAIL_DKIM_KEY };
        expect(await run(['digest', '--user', BOB, '--send'], dkim)).toMatchObject({ code: 0 });
        expect(smtp.arrived[0]).toMatch(/^DKIM-Signature: v=1; a=rsa-sha256; .*d=example\.com/s);
        expect(await run(['digest', '--user', BOB, '--send'], { ...dkim, MAIL_DKIM_KEY: 'none' })).toMatchObject({
            code: 2,
            err: expect.stringContaining('expected MAIL_DKIM_KEY to be a private key in PEM'),
        });
    });

    test('fails with what the mail server said, and leaves a passing fault to a worker', async () => {
        smtp.behave({ rcpt: '451 4.7.1 come back later' });
        const { code, err } = await run(['digest', '--user', BOB, '--send']);
        expect(code).toBe(1);
        expect(err).toMatch(
            /^tidings: expected the mail to be sent, got retry: .*451 4\.7\.1 come back later.*; a worker will try it again$/,
        );
        expect(await mails()).toEqual(['manual claimed 1']);
    });
});

test('digest is misused without a mail server, without a user, and without a word of what to do', async () => {
    const user = ['--user', BOB];
    expect(await run(['digest', ...user, '--send'], { SMTP_URL: '' })).toMatchObject({
        code: 2,
        err: 'tidings: expected SMTP_URL to be set, got nothing',
    });
    expect((await run(['digest', '--send'])).code).toBe(2);
    expect(await run(['digest', ...user])).toMatchObject({
        code: 2,
        err: 'tidings: expected --preview or --send, got neither',
    });
    expect((await run(['digest', ...user, '--send', '--preview'])).code).toBe(2);
});

describe('doctor', () => {
    test('says that all is well, or what of mail is not', async () => {
        expect(await run(['doctor'])).toEqual({ code: 0, out: 'all is well', err: '' });
        await database.sql`
            insert into tidings.digest (user_id, kind, period, due_at, state, next_at, claimed_at, ended_at, reason)
            values
                ('1', 'daily', '2026-01-01', now(), 'unknown', now(), now(), '2026-01-01T08:00Z', 'cut off'),
                ('2', 'daily', '2026-01-01', now(), 'unknown', now(), now(), '2026-01-02T08:00Z', 'cut off'),
                ('3', 'daily', '2026-01-01', now(), 'failed', now(), now(), now(), '550 no such user'),
                ('4', 'daily', '2026-01-01', now(), 'sent', now(), now(), now(), '250'),
                ('6', 'daily', '2026-01-01', now(), 'skipped', now(), now(), now(), 'no address'),
                ('7', 'daily', '2026-01-01', now(), 'skipped', now(), now(), now(), 'nothing left to tell')`;
        const wrong = await run(['doctor']);
        expect(wrong.code).toBe(0);
        expect(wrong.out.split('\n').filter((line) => !line.startsWith(' '))).toEqual([
            'warning  mail: 2 mails were handed over without an answer since 2026-01-01T08:00:00.000Z',
            'warning  mail: 1 mail failed in the last 7 days: 550 no such user',
            'warning  mail: 1 mail was not sent in the last 7 days as no address is known of one person',
        ]);
        await database.sql`
            insert into tidings.digest (user_id, kind, period, due_at, next_at, claimed_at)
            values ('5', 'daily', '2026-01-01', now(), now() - interval '16 minutes', now())`;
        const failed = await run(['doctor', '--json']);
        expect(failed).toMatchObject({ code: 1, err: 'tidings: expected no error, got 1' });
        expect(JSON.parse(failed.out).findings).toHaveLength(4);
        expect(JSON.parse(failed.out).findings[0]).toMatchObject({ severity: 'error', area: 'mail' });
    });
});

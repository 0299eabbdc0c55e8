import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isLoopback, loadConfig } from '../src/config.ts';
import { TidingsError } from '../src/errors.ts';

const directory = mkdtempSync(join(tmpdir(), 'tidings-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function problemOf(env: Record<string, string>): TidingsError {
    try {
        loadConfig(env);
    } catch (error) {
        if (error instanceof TidingsError) return error;
        throw error;
    }
    throw new Error('expected loadConfig to throw');
}

test('has the defaults of the contract in an empty environment', () => {
    expect(loadConfig({})).toEqual({
        embedded: true,
        databaseUrl: null,
        host: '127.0.0.1',
        port: 8080,
        jwtSecret: null,
        jwksUrl: null,
        jwtIssuer: null,
        jwtAudience: null,
        corsOrigins: [],
        smtpUrl: null,
        mailFrom: null,
        publicUrl: null,
        digestCadence: 'daily',
        retentionDays: 30,
        notificationRetentionDays: 90,
        dataDir: '.data',
        example: true,
        devLogin: true,
        streamDatabaseUrl: null,
        poolSize: 10,
        listen: true,
        sequenceIntervalMs: 5,
        trustProxy: 0,
        wsMaxMessageBytes: 16_384,
        wsRate: { count: 20, perMs: 10_000 },
        wsMaxSubscriptions: 100,
        wsMaxConnectionsPerUser: 20,
        wsMaxConnections: 50_000,
        wsMaxLagMs: 250,
        wsConnectRate: { count: 100, perMs: 10_000 },
        wsMaxBackpressureBytes: 1_048_576,
        replayLimit: 10_000,
        restRate: { count: 300, perMs: 60_000 },
        digestTimeZone: 'UTC',
        digestHour: 8,
        digestWeekday: 1,
        digestEveryMinutes: 5,
        instantMailDelayMs: 10_000,
        instantMailIntervalMs: 5000,
        mailConnections: 5,
        mailDkimDomain: null,
        mailDkimSelector: null,
        mailDkimKey: null,
        metricsPort: null,
        adminToken: null,
        logLevel: 'info',
        otelExporterOtlpEndpoint: null,
    });
});

test('turns example and dev login off once DATABASE_URL is set, and on when asked', () => {
    const DATABASE_URL = 'postgresql://app:secret@db.internal/app?sslmode=verify-full';
    expect(loadConfig({ DATABASE_URL })).toMatchObject({ embedded: false, example: false, devLogin: false });
    expect(loadConfig({ DATABASE_URL, EXAMPLE: 'true', DEV_LOGIN: '1' })).toMatchObject({
        example: true,
        devLogin: true,
    });
});

test('turns dev login off on an address others can reach, and refuses to turn it on there', () => {
    expect(loadConfig({ HOST: '0.0.0.0' }).devLogin).toBe(false);
    expect(problemOf({ HOST: '0.0.0.0', DEV_LOGIN: 'true' }).message).toBe(
        'expected a valid configuration, got:\n' +
            '  DEV_LOGIN: expected false, because HOST is not a loopback address, got true with HOST=0.0.0.0',
    );
});

test('reads a limit of 0 as off', () => {
    const config = loadConfig({ WS_MAX_CONNECTIONS: '0', REPLAY_LIMIT: '0', WS_RATE: '0', REST_RATE: '0/60s' });
    expect(config).toMatchObject({ wsMaxConnections: null, replayLimit: null, wsRate: null, restRate: null });
});

test('takes an empty variable for an unset one', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: '', JWT_SECRET: '' })).toMatchObject({ port: 8080, embedded: true });
});

test('reads rates in every unit', () => {
    const perMs = (WS_RATE: string) => loadConfig({ WS_RATE }).wsRate;
    expect(perMs('5/250ms')).toEqual({ count: 5, perMs: 250 });
    expect(perMs('5/2m')).toEqual({ count: 5, perMs: 120_000 });
    expect(perMs('5/1h')).toEqual({ count: 5, perMs: 3_600_000 });
});

test('lists every problem at once with what was expected and what came', () => {
    const problem = problemOf({
        PORT: '70000',
        WS_RATE: '20 per second',
        LISTEN: 'maybe',
        CORS_ORIGINS: 'https://app.example.com, app.example.com',
        DIGEST_CADENCE: 'yearly',
        DATABASE_URL: 'mysql://x',
    });
    expect(problem.code).toBe('misused');
    expect(problem.message.split('\n')).toEqual([
        'expected a valid configuration, got:',
        '  DATABASE_URL: expected a URL that begins with postgres:// or postgresql://, got 9 bytes (not shown)',
        '  PORT: expected an integer from 0 to 65535, got "70000"',
        '  CORS_ORIGINS: expected comma-separated origins like https://app.example.com (scheme, host and port, ' +
            'lower case, no path), got "https://app.example.com, app.example.com"',
        '  DIGEST_CADENCE: expected one of hourly, daily, weekly, off, got "yearly"',
        '  LISTEN: expected true or false, got "maybe"',
        '  WS_RATE: expected a rate like 20/10s (units ms, s, m, h), or 0 (off), got "20 per second"',
    ]);
    expect(problem.issues).toHaveLength(6);
});

describe('settings of mail', () => {
    const MAIL = {
        SMTP_URL: 'smtps://app:p%40ss@mail.example.com:465',
        MAIL_FROM: 'Tidings <tidings@example.com>',
        PUBLIC_URL: 'https://tidings.example.com',
    };

    test('are kept as they were written, the public URL without a slash at its end', () => {
        expect(loadConfig(MAIL)).toMatchObject({
            smtpUrl: MAIL.SMTP_URL,
            mailFrom: MAIL.MAIL_FROM,
            publicUrl: MAIL.PUBLIC_URL,
        });
        const publicUrl = (PUBLIC_URL: string) => loadConfig({ PUBLIC_URL }).publicUrl;
        expect(publicUrl('http://127.0.0.1:8080/')).toBe('http://127.0.0.1:8080');
        expect(publicUrl('https://Example.com/tidings//')).toBe('https://example.com/tidings');
    });

    test.each([
        'tidings@localhost',
        '<a@example.com>',
        '"Tidings, Inc." <a.b+c@mail.example.com>',
        'Zoë <z@example.com>',
    ])('take %s for a sender', (MAIL_FROM) => {
        expect(loadConfig({ MAIL_FROM }).mailFrom).toBe(MAIL_FROM);
    });

    test.each([
        'Tidings',
        'a@b@example.com',
        'a@',
        'a@-example.com',
        'a@example..com',
        'a@example.com, b@example.com',
        'A, B <a@example.com>',
        'Tidings <a@example.com> more',
        'A <b@example.com> <c@example.com>',
        'Tidings\r\nBcc: <victim@example.com>',
        '"Tidings\nBcc: x" <a@example.com>',
        'a@example.com\n',
    ])('refuse the sender %j', (MAIL_FROM) => {
        expect(problemOf({ MAIL_FROM }).message).toContain(
            `  MAIL_FROM: expected an address like tidings@example.com or Tidings <tidings@example.com>, got ${JSON.stringify(MAIL_FROM)}`,
        );
    });

    test.each([
        'ftp://x',
        'https://',
        'tidings.example.com',
        'https://x/?a=1',
        'https://x/#a',
        'https://u:p@x',
        'https://x y',
    ])('refuse the public URL %s', (PUBLIC_URL) => {
        expect(problemOf({ PUBLIC_URL }).message).toContain(
            `  PUBLIC_URL: expected a URL like https://tidings.example.com, without user, query and fragment, got "${PUBLIC_URL}"`,
        );
    });

    test.each([
        'http://mail.example.com',
        'smtp://',
        'mail.example.com:25',
        'smtp:///x',
        'smtp://a b',
        'smtp://x:99999',
    ])('refuse the mail server %s, and do not show it', (SMTP_URL) => {
        expect(problemOf({ ...MAIL, SMTP_URL }).message).toBe(
            'expected a valid configuration, got:\n  SMTP_URL: expected a URL like ' +
                'smtps://user:password@mail.example.com:465, which begins with smtp:// or smtps://, ' +
                `got ${SMTP_URL.length} bytes (not shown)`,
        );
    });

    test('go together: a mail server needs a sender and, unless embedded, a public URL', () => {
        const { SMTP_URL } = MAIL;
        expect(problemOf({ SMTP_URL, DATABASE_URL: 'postgresql://x' }).message.split('\n').slice(1)).toEqual([
            '  MAIL_FROM: expected an address, because SMTP_URL is set, got nothing',
            '  PUBLIC_URL: expected a URL, because SMTP_URL is set, got nothing',
        ]);
        expect(problemOf({ SMTP_URL }).message.split('\n')).toHaveLength(2);
    });
});

describe('digests', () => {
    test.each([
        [{ DIGEST_TIME_ZONE: 'Mars/Olympus' }, 'an IANA time zone like Europe/Berlin, got "Mars/Olympus"'],
        [{ DIGEST_TIME_ZONE: '+02:00' }, 'an IANA time zone like Europe/Berlin, got "+02:00"'],
        [
            { DIGEST_EVERY_MINUTES: '7' },
            'minutes that divide an hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60, got "7"',
        ],
        [{ DIGEST_HOUR: '24' }, 'an integer from 0 to 23, got "24"'],
        [{ DIGEST_WEEKDAY: '0' }, 'an integer from 1 to 7, got "0"'],
    ])('refuse %j', (env: Record<string, string>, message) => {
        expect(problemOf(env).message).toContain(`: expected ${message}`);
    });

    test('are signed with all there is to sign with, or not at all', () => {
        const all = { MAIL_DKIM_DOMAIN: 'example.com', MAIL_DKIM_SELECTOR: 'mail', MAIL_DKIM_KEY: 'secret canary' };
        expect(loadConfig(all)).toMatchObject({ mailDkimDomain: 'example.com', mailDkimSelector: 'mail' });
        expect(problemOf({ MAIL_DKIM_KEY: 'secret canary' }).message.split('\n').slice(1)).toEqual([
            '  MAIL_DKIM_DOMAIN: expected a value, because another MAIL_DKIM variable is set, got nothing',
            '  MAIL_DKIM_SELECTOR: expected a value, because another MAIL_DKIM variable is set, got nothing',
        ]);
    });
});

test('never shows a secret that is wrong', () => {
    const problem = problemOf({ JWT_SECRET: 'too-short-canary', ADMIN_TOKEN: 'canary' });
    expect(problem.message).toBe(
        'expected a valid configuration, got:\n' +
            '  JWT_SECRET: expected at least 32 bytes, got 16 bytes (not shown)\n' +
            '  ADMIN_TOKEN: expected at least 16 visible ASCII characters without spaces and commas, got 6 bytes (not shown)',
    );
});

test('reads a secret from the file its _FILE variable names, without the last line end', () => {
    const file = join(directory, 'secret');
    writeFileSync(file, `${'s'.repeat(40)}\n`);
    expect(loadConfig({ JWT_SECRET_FILE: file }).jwtSecret).toBe('s'.repeat(40));
    expect(problemOf({ JWT_SECRET_FILE: file, JWT_SECRET: 'x' }).message).toContain(
        'JWT_SECRET_FILE: expected JWT_SECRET or JWT_SECRET_FILE, got both',
    );
    expect(problemOf({ JWT_SECRET_FILE: join(directory, 'none') }).message).toMatch(
        /JWT_SECRET_FILE: expected a readable file, got ".*none" \(ENOENT/,
    );
});

test('knows which addresses stay on this machine', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'].map(isLoopback)).not.toContain(false);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.evil.com', ''].map(isLoopback)).not.toContain(true);
});

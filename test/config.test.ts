import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
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
        wsMaxBackpressureBytes: 1_048_576,
        replayLimit: 10_000,
        restRate: { count: 300, perMs: 60_000 },
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

test('never shows a secret that is wrong', () => {
    const problem = problemOf({ JWT_SECRET: 'too-short-canary', ADMIN_TOKEN: 'canary' });
    expect(problem.message).toBe(
        'expected a valid configuration, got:\n' +
            '  JWT_SECRET: expected at least 32 bytes, got 16 bytes (not shown)\n' +
            '  ADMIN_TOKEN: expected at least 16 bytes, got 6 bytes (not shown)',
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

/** TLS as libpq spells it, against a PostgreSQL that offers it. */

import { chmod, chown, copyFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDatabaseUrl } from '../src/database-url.ts';
import { createEmbedded, type Embedded } from '../src/embedded/index.ts';
import { createSession } from '../src/store/session.ts';
import { makeDataDirectory, removeDataDirectory } from './support/data-directory.ts';

const CERTIFICATES = resolve(import.meta.dirname, 'support/tls');
const AUTHORITY = join(CERTIFICATES, 'ca.crt');

let directory: string;
let embedded: Embedded;

beforeAll(async () => {
    directory = await makeDataDirectory();
    // Made once without TLS, so that there is a data directory to put the certificate into.
    embedded = createEmbedded({ dataDir: directory });
    await embedded.start();
    await embedded.stop();
    const data = join(directory, 'postgres');
    const { uid, gid } = await stat(data);
    for (const name of ['server.crt', 'server.key']) {
        await copyFile(join(CERTIFICATES, name), join(data, name));
        await chown(join(data, name), uid, gid);
        await chmod(join(data, name), 0o600);
    }
    embedded = createEmbedded({ dataDir: directory, settings: { ssl: 'on' } });
    await embedded.start();
});

afterAll(async () => {
    await embedded.stop();
    await removeDataDirectory(directory);
});

/** Whether the connection a URL makes is encrypted. */
async function encrypted(parameters: string, host = 'localhost'): Promise<unknown> {
    const url = new URL(embedded.databaseUrl);
    url.hostname = host;
    url.search = parameters;
    const session = createSession(url.href, { name: 'test', deadlineMs: 10_000 });
    try {
        const [row] = await session.ask((sql) => sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`);
        return row?.['ssl'];
    } finally {
        await session.close();
    }
}

describe('a database URL', () => {
    test.each([
        ['', false],
        ['sslmode=disable', false],
        ['sslmode=require', true],
        [`sslmode=verify-ca&sslrootcert=${AUTHORITY}`, true],
        [`sslmode=verify-full&sslrootcert=${AUTHORITY}`, true],
    ])('with %j connects with encryption %s', async (parameters, expected) => {
        expect(await encrypted(parameters)).toBe(expected);
    });

    test('with verify-full refuses a server whose certificate no known authority signed', async () => {
        await expect(encrypted('sslmode=verify-full')).rejects.toThrow(/certificate/);
    });

    test('with verify-full refuses a server of another name, which verify-ca accepts', async () => {
        await expect(encrypted(`sslmode=verify-full&sslrootcert=${AUTHORITY}`, '127.0.0.1')).rejects.toThrow(
            /127\.0\.0\.1/,
        );
        expect(await encrypted(`sslmode=verify-ca&sslrootcert=${AUTHORITY}`, '127.0.0.1')).toBe(true);
    });

    test('keeps what is not about TLS', () => {
        expect(
            readDatabaseUrl('postgres://ann:pw@db.example.com:5433/shop?sslmode=disable&options=-c%20geqo=off'),
        ).toEqual({
            url: 'postgres://ann:pw@db.example.com:5433/shop?options=-c+geqo%3Doff',
            tls: false,
        });
    });

    test('with a mode that promises nothing is refused', () => {
        expect(() => readDatabaseUrl('postgres://db/shop?sslmode=prefer')).toThrow(
            'expected sslmode to be one of disable, require, verify-ca, verify-full, got "prefer"',
        );
    });

    test('with a file that is not there is refused', () => {
        expect(() => readDatabaseUrl('postgres://db/shop?sslmode=verify-full&sslrootcert=/nowhere.crt')).toThrow(
            /^expected the TLS settings of the database URL to be usable, got: ENOENT/,
        );
    });
});

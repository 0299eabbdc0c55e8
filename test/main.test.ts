/** What keeps a server from starting: said plainly, with nothing left running. */

import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { startServer } from '../src/main.ts';
import { openDatabase, type TestDatabase } from './support/database.ts';

const JWT_SECRET = 'a secret of at least thirty-two bytes';

let database: TestDatabase;
let empty: TestDatabase;

beforeAll(async () => {
    database = await openDatabase();
    empty = await openDatabase({ empty: true });
});

afterAll(async () => {
    await database.close();
    await empty.close();
});

const start = (env: Record<string, string>) =>
    startServer(loadConfig({ DATABASE_URL: database.url, JWT_SECRET, PORT: '0', LOG_LEVEL: 'silent', ...env }));

/** Sessions of ours that are still there. */
async function sessions(): Promise<number> {
    const rows =
        await database.sql`select from pg_stat_activity where application_name like 'tidings %' and datname = current_database()`;
    return rows.length;
}

describe('a server', () => {
    test('does not start without a way to check tokens', async () => {
        await expect(start({ JWT_SECRET: '' })).rejects.toMatchObject({
            code: 'misused',
            message: 'expected JWT_SECRET or JWKS_URL to be set, got neither',
        });
    });

    test('does not start on a database without its schema, and says what to run', async () => {
        await expect(start({ DATABASE_URL: empty.url })).rejects.toMatchObject({
            code: 'failed',
            message: 'expected the schema of engine to be that of this version, got another; run: tidings migrate up',
        });
    });

    test('does not start on a port that is taken, and lets go of the database', async () => {
        const other = createServer();
        await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
        const address = other.address();
        const port = typeof address === 'object' ? String(address?.port) : '';
        await expect(start({ PORT: port })).rejects.toMatchObject({ code: 'unavailable' });
        expect(await sessions()).toBe(0);
        other.close();
    });

    test('starts, says it is ready, and stops twice as well as once', async () => {
        const server = await start({});
        expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
        await Promise.all([server.stop(), server.stop()]);
        await server.stop();
        await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
        expect(await sessions()).toBe(0);
    });
});

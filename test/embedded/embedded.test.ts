import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmbedded, type Embedded, findRunning } from '../../src/embedded/index.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import { canReach, SHARED_DIRECTORY } from '../../src/embedded/system-user.ts';

const isRoot = process.getuid?.() === 0;

let root: string;
let started: Embedded[];

beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tidings-embedded-'));
    await chmod(root, 0o711);
    started = [];
});

afterEach(async () => {
    for (const embedded of started) await embedded.stop();
    const place = await realpath(join(root, 'data', 'postgres')).catch(() => root);
    if (place.startsWith(SHARED_DIRECTORY)) await rm(place, { recursive: true });
    await rm(root, { recursive: true, force: true });
});

function embeddedOf(dataDir: string): Embedded {
    const embedded = createEmbedded({ dataDir, settings: { fsync: 'off' } });
    started.push(embedded);
    return embedded;
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    try {
        return await sql.unsafe(text);
    } finally {
        await sql.end();
    }
}

async function postmasterOf(dataDir: string): Promise<number> {
    return Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
}

describe('an embedded database', () => {
    test.each([
        ['that is made', null],
        // What PostgreSQL's own user may list is where it lives; and so it is for whoever is not root.
        ['that PostgreSQL can reach', 0o755],
    ])('in a DATA_DIR %s keeps rows, port, password and key from one start to the next', async (_, mode) => {
        const dataDir = join(root, 'data');
        if (mode !== null) await mkdir(dataDir, { mode });
        const first = embeddedOf(dataDir);
        await first.start();
        const { databaseUrl, jwtSecret } = first;
        await query(databaseUrl, 'create table kept as select 42 as answer');
        await first.stop();

        const second = embeddedOf(dataDir);
        await second.start();
        expect({ databaseUrl: second.databaseUrl, jwtSecret: second.jwtSecret }).toEqual({ databaseUrl, jwtSecret });
        expect(Buffer.byteLength(jwtSecret)).toBeGreaterThanOrEqual(32);
        expect(await query(databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
        const [version] = await query(
            databaseUrl,
            "select current_setting('server_version_num')::int / 10000 as major",
        );
        expect(version).toEqual({ major: 18 });
    });

    test('listens on loopback only, wants the password, and keeps secrets from other users', async () => {
        const dataDir = join(root, 'data');
        const embedded = embeddedOf(dataDir);
        await embedded.start();
        const [listens] = await query(
            embedded.databaseUrl,
            "select current_setting('listen_addresses') a, current_setting('unix_socket_directories') s",
        );
        expect(listens).toEqual({ a: '127.0.0.1', s: '' });
        const wrong = new URL(embedded.databaseUrl);
        wrong.password = 'guess';
        await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
        for (const name of ['postgres-password', 'jwt-secret', 'postgres.log']) {
            expect((await stat(join(dataDir, name))).mode & 0o777, name).toBe(0o600);
        }
    });

    test('bears stop before start and stop twice, and has no URL while stopped', async () => {
        const embedded = embeddedOf(join(root, 'data'));
        await embedded.stop();
        await embedded.start();
        const pid = await postmasterOf(join(root, 'data'));
        await embedded.stop();
        await embedded.stop();
        expect(isAlive(pid)).toBe(false);
        expect(() => embedded.databaseUrl).toThrow(TypeError);
    });

    test('refuses a second server on the same DATA_DIR and names the first', async () => {
        const dataDir = join(root, 'data');
        const first = embeddedOf(dataDir);
        await first.start();
        await expect(embeddedOf(dataDir).start()).rejects.toThrow(
            `expected no other server on DATA_DIR ${dataDir}, got process ${process.pid}; ` +
                'stop that one, or set another DATA_DIR',
        );
        expect(await query(first.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });

    test('reports a PostgreSQL that ends by itself', async () => {
        const heard = new Promise<Error>((resolve) => {
            started.push(createEmbedded({ dataDir: join(root, 'data'), onExit: resolve }));
        });
        await started[0]?.start();
        process.kill(await postmasterOf(join(root, 'data')), 'SIGINT');
        expect((await heard).message).toMatch(/^PostgreSQL ended by itself: /);
    });

    test('says what PostgreSQL said when it does not start', async () => {
        const embedded = createEmbedded({ dataDir: join(root, 'data'), settings: { no_such_setting: '1' } });
        await expect(embedded.start()).rejects.toThrow(/expected PostgreSQL to start, got: .*no_such_setting/s);
        await expect(findRunning(join(root, 'data'))).rejects.toThrow('got none');
    });
});

describe('after a server that was killed', () => {
    test('ends the PostgreSQL it left and goes on with its rows', async () => {
        const dataDir = join(root, 'data');
        const first = embeddedOf(dataDir);
        await first.start();
        await query(first.databaseUrl, 'create table kept as select 1 as one');
        const orphan = await postmasterOf(dataDir);
        await writeFile(join(dataDir, 'server.lock'), JSON.stringify({ pid: 2 ** 22 + 1, start: '1' }));

        const second = embeddedOf(dataDir);
        await second.start();
        expect(isAlive(orphan)).toBe(false);
        expect(await query(second.databaseUrl, 'select one from kept')).toEqual([{ one: 1 }]);
    });

    test('takes no notice of a pid file whose number now belongs to somebody else', async () => {
        const dataDir = join(root, 'data');
        const first = embeddedOf(dataDir);
        await first.start();
        const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
        const written = await readFile(pidFile, 'utf8');
        await first.stop();
        await writeFile(pidFile, written.replace(/^\d+/, String(process.pid)));

        await embeddedOf(dataDir).start();
        expect(isAlive(process.pid)).toBe(true);
    });
});

test('commands find the database of a running server, and say so when there is none', async () => {
    const dataDir = join(root, 'data');
    await expect(findRunning(dataDir)).rejects.toThrow(
        `expected a server to run on DATA_DIR ${dataDir}, got none; start one with \`npm start\`, or set DATABASE_URL`,
    );
    const embedded = embeddedOf(dataDir);
    await embedded.start();
    expect(await findRunning(dataDir)).toEqual({ databaseUrl: embedded.databaseUrl, jwtSecret: embedded.jwtSecret });
    await embedded.stop();
    await expect(findRunning(dataDir)).rejects.toThrow('got none');
});

test.runIf(isRoot)(
    'as root in a directory closed to others, keeps the data where PostgreSQL can reach it',
    async () => {
        await chmod(root, 0o700);
        const dataDir = join(root, 'data');
        const embedded = embeddedOf(dataDir);
        await embedded.start();
        expect((await lstat(join(dataDir, 'postgres'))).isSymbolicLink()).toBe(true);
        expect(await realpath(join(dataDir, 'postgres'))).toMatch(/^\/var\/lib\/tidings\/data-/);
        await query(embedded.databaseUrl, 'create table kept as select 1 as one');
        await embedded.stop();
        await embedded.start();
        expect(await query(embedded.databaseUrl, 'select one from kept')).toEqual([{ one: 1 }]);
    },
);

test('knows what another user can reach', async () => {
    const nobody = { uid: 65_534, gid: 65_534 };
    const inner = join(root, 'a', 'b');
    await mkdir(inner, { recursive: true });
    expect(await canReach(nobody, inner)).toBe(true);
    await chmod(join(root, 'a'), 0o700);
    expect(await canReach(nobody, inner)).toBe(false);
    expect(await canReach(null, inner)).toBe(true);
});

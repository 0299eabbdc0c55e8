import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEmbedded, type Embedded } from '../../src/embedded/index.ts';
import { ENGINE, EXAMPLE, migrateUp, migrationStatus } from '../../src/migrate/index.ts';
import { inDatabase, runAsAdmin } from '../support/cluster.ts';
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts';

/** A cluster of its own, because roles belong to the cluster: here nobody has made the engine's yet. */
let cluster: Embedded;
let root: string;
beforeAll(async () => {
    root = await makeDataDirectory();
    cluster = createEmbedded({ dataDir: root, settings: { fsync: 'off' } });
    await cluster.start();
});
afterAll(async () => {
    await cluster.stop();
    await removeDataDirectory(root);
});

/** A user with CREATEROLE and CREATEDB who is no superuser, and the URL of a database of that user's. */
async function plainUser(name: string): Promise<string> {
    const url = new URL(inDatabase(cluster.databaseUrl, name));
    url.username = name;
    url.password = 'plain';
    await runAsAdmin(cluster.databaseUrl, async (admin) => {
        await admin.unsafe(`create role ${name} login createrole createdb password 'plain'`);
    });
    const own = new URL(url);
    own.pathname = '/postgres';
    await runAsAdmin(own.href, (sql) => sql.unsafe(`create database ${name}`));
    return url.href;
}

async function withSql<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    return work(sql).finally(() => sql.end());
}

test('engine and example migrate under a user with CREATEROLE and CREATEDB who is no superuser', async () => {
    const url = await plainUser('plain');
    await migrateUp(url, [ENGINE, EXAMPLE], { seed: true });
    const statuses = await migrationStatus(url, [ENGINE, EXAMPLE]);
    const states = statuses.flatMap(({ migrations, functions }) => [
        functions,
        ...migrations.map(({ state }) => state),
    ]);
    expect(new Set(states)).toEqual(new Set(['applied']));
    await withSql(url, async (sql) => {
        expect(await sql`select count(*)::int as users from app.users`).toEqual([{ users: 10 }]);
        const [before] = await sql<{ n: number }[]>`select count(*)::int as n from tidings.event`;
        await sql`update app.tasks set title = title || '!' where id = (select id from app.tasks limit 1)`;
        const [after] = await sql<{ n: number }[]>`select count(*)::int as n from tidings.event`;
        expect((after?.n ?? 0) - (before?.n ?? 0)).toBe(1);
        expect(await sql`select from tidings.capture_error`).toHaveLength(0);
    });
});

test('another such user gets the engine’s roles granted by whoever has them', async () => {
    const url = await plainUser('other');
    await expect(migrateUp(url, [ENGINE])).rejects.toThrow(
        /expected other to be a member of role tidings_\w+, which exists already \[42501\]/,
    );
    await runAsAdmin(cluster.databaseUrl, (admin) =>
        admin.unsafe('grant tidings_owner, tidings_dba, tidings_server, tidings_reader to other with admin option'),
    );
    await migrateUp(url, [ENGINE]);
});

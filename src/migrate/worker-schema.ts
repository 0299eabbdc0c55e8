/** graphile-worker's own schema: its migrations, and what the server's role needs on it. */

import { runMigrations } from 'graphile-worker';
import { Pool } from 'pg';
import { readDatabaseUrl } from '../database-url.ts';
import type { Session } from './session.ts';

const SCHEMA = 'graphile_worker';

/** What its own runner begins with, made by us because it would need CREATE on the database for the owner's role. */
const BOOTSTRAP = `
    create schema if not exists ${SCHEMA} authorization tidings_owner;
    begin;
    set local role tidings_owner;
    create table if not exists ${SCHEMA}.migrations (
        id int primary key, ts timestamptz default now() not null, breaking boolean not null default false
    );
    commit;`;

/** Its tables have row level security on and no policy: whoever is not their owner sees nothing. */
const GRANTS = `
    begin;
    set local role tidings_owner;
    grant usage on schema ${SCHEMA} to tidings_server;
    grant select, insert, update, delete on all tables in schema ${SCHEMA} to tidings_server;
    grant usage on all sequences in schema ${SCHEMA} to tidings_server;
    grant execute on all functions in schema ${SCHEMA} to tidings_server;
    do $$
    declare
        v_table regclass;
    begin
        for v_table in
            select c.oid from pg_class c
            where c.relnamespace = '${SCHEMA}'::regnamespace and c.relkind = 'r' and c.relrowsecurity
                and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tidings_server')
        loop
            execute format('create policy tidings_server on %s to tidings_server using (true) with check (true)', v_table);
        end loop;
    end $$;
    commit;`;

/** Brings it up to date; the caller holds the lock of migrations. */
export async function installWorkerSchema(sql: Session, databaseUrl: string): Promise<void> {
    await sql.unsafe(BOOTSTRAP);
    const { url, tls } = readDatabaseUrl(databaseUrl);
    const pool = new Pool({
        connectionString: url,
        ssl: tls,
        max: 1,
        application_name: 'tidings migrate',
        options: '-c role=tidings_owner',
    });
    // Whatever befalls an idle connection is met by the next statement.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    try {
        await runMigrations({ pgPool: pool, schema: SCHEMA });
    } finally {
        await pool.end();
    }
    await sql.unsafe(GRANTS);
}

/** Once per run: a throw-away cluster (or the one of `DATABASE_URL`) and in it the templates test databases are copied from. */

import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { loadConfig } from '../../src/config.ts';
import { createEmbedded } from '../../src/embedded/index.ts';
import { messageOf } from '../../src/errors.ts';
import { ENGINE, EXAMPLE, migrateUp, type SetSource } from '../../src/migrate/index.ts';
import { inDatabase, runAsAdmin } from './cluster.ts';
import { makeDataDirectory, removeDataDirectory } from './data-directory.ts';

/** A template's name, or why there is none: only tests that need it fail then. */
export type Template = { readonly name: string; readonly problem: string | null };

declare module 'vitest' {
    interface ProvidedContext {
        /** Superuser's URL of the cluster. */
        clusterUrl: string;
        /** Schema `tidings`, migrated. */
        engineTemplate: Template;
        /** The same with schema `app` and its seed data. */
        exampleTemplate: Template;
    }
}

type Cluster = { readonly url: string; stop(): Promise<void> };

// Nothing here has to outlive the run; prepared transactions are for the tests that make some.
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_prepared_transactions: '10', max_connections: '300' };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
    const cluster = await startCluster();
    const run = randomBytes(4).toString('hex');
    const engine = `tidings_engine_${run}`;
    const example = `tidings_example_${run}`;
    try {
        project.provide('clusterUrl', cluster.url);
        project.provide('engineTemplate', await makeTemplate(cluster.url, engine, 'template1', ENGINE));
        project.provide('exampleTemplate', await makeTemplate(cluster.url, example, engine, EXAMPLE));
    } catch (error) {
        await cluster.stop();
        throw error;
    }
    return async () => {
        await runAsAdmin(cluster.url, (sql) => sql`drop database if exists ${sql(engine)}`);
        await runAsAdmin(cluster.url, (sql) => sql`drop database if exists ${sql(example)}`);
        await cluster.stop();
    };
}

async function startCluster(): Promise<Cluster> {
    const { databaseUrl } = loadConfig();
    if (databaseUrl !== null) return { url: databaseUrl, stop: async () => {} };
    const root = await makeDataDirectory();
    const embedded = createEmbedded({ dataDir: root, settings: SETTINGS });
    await embedded.start();
    return {
        url: embedded.databaseUrl,
        async stop() {
            await embedded.stop();
            await removeDataDirectory(root);
        },
    };
}

async function makeTemplate(url: string, name: string, from: string, set: SetSource): Promise<Template> {
    await runAsAdmin(url, (sql) => sql`create database ${sql(name)} template ${sql(from)}`);
    try {
        await migrateUp(inDatabase(url, name), [set], { seed: true });
        return { name, problem: null };
    } catch (error) {
        return { name, problem: messageOf(error) };
    }
}

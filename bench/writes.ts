/**
 * What does capture cost a writer? Single-row inserts and updates, captured and not, in turn on one database, with the
 * sequencer and the tail of a real server at work; beside them NOTIFY with data in the trigger, as it is usually done.
 */

import type { Sql } from 'postgres';
import { loadConfig } from '../src/config.ts';
import { startServer } from '../src/main.ts';
import { startCluster } from './cluster.ts';
import { median, pgbench } from './pgbench.ts';

const CLIENTS = [1, 8, 32];
const SECONDS = 4;
const ROUNDS = 3;
const ROWS = 10_000;

const DISKS = {
    'fast disk': {},
    // Emulates a cloud disk's WAL flush: every commit waits 2 ms before it flushes.
    '2 ms flush': { commit_delay: '2000', commit_siblings: '0' },
} as const;

const INSERT = (table: string) => `\\set p random(1, 1000)
insert into demo.${table} (project_id, title, status, assignee_id, due_at) values (:p, 'Write the minutes', 'todo', 7, now());`;
const UPDATE = (table: string) => `\\set i random(1, ${ROWS})
update demo.${table} set status = 'doing', due_at = now() where id = :i;`;

export async function ask(): Promise<void> {
    console.log('disk        clients  write   plain tps  captured  ratio  notify in trigger  ratio');
    for (const [disk, settings] of Object.entries(DISKS)) {
        const cluster = await startCluster(settings);
        await createTables(cluster.sql);
        const config = loadConfig({
            DATABASE_URL: cluster.url,
            JWT_SECRET: 'x'.repeat(32),
            PORT: '0',
            LOG_LEVEL: 'error',
        });
        const server = await startServer(config);
        for (const clients of CLIENTS) {
            for (const [write, script] of Object.entries({ insert: INSERT, update: UPDATE })) {
                const tps = { plain: [] as number[], captured: [] as number[], notifying: [] as number[] };
                for (let round = 0; round < ROUNDS; round += 1) {
                    for (const table of ['plain', 'captured', 'notifying'] as const) {
                        tps[table].push(
                            await pgbench({ url: cluster.url, script: script(table), clients, seconds: SECONDS }),
                        );
                    }
                }
                print(disk, clients, write, median(tps.plain), median(tps.captured), median(tps.notifying));
            }
        }
        await server.stop();
        await cluster.stop();
    }
}

function print(disk: string, clients: number, write: string, plain: number, captured: number, notifying: number): void {
    const ratio = (tps: number) => `${Math.round((100 * tps) / plain)} %`.padStart(5);
    console.log(
        disk.padEnd(11),
        String(clients).padStart(7),
        ` ${write.padEnd(7)}`,
        plain.toFixed(0).padStart(9),
        captured.toFixed(0).padStart(9),
        ratio(captured),
        notifying.toFixed(0).padStart(18),
        ratio(notifying),
    );
}

/** Three tables of tasks: one untouched, one tracked, one whose trigger sends the event by NOTIFY. */
async function createTables(sql: Sql): Promise<void> {
    await sql.unsafe(`create schema demo;
        create function demo.notify() returns trigger language plpgsql as $$
        begin
            perform pg_notify('project_' || new.project_id, json_build_object('op', tg_op, 'id', new.id, 'title', new.title,
                'status', new.status, 'assigneeId', new.assignee_id, 'dueAt', new.due_at)::text);
            return null;
        end $$;`);
    for (const table of ['plain', 'captured', 'notifying']) {
        await sql.unsafe(`create table demo.${table} (id bigint generated always as identity primary key, project_id int not null,
                title text not null, status text not null, assignee_id int, due_at timestamptz, updated_at timestamptz default now());
            insert into demo.${table} (project_id, title, status, assignee_id, due_at)
                select g % 1000, 'Write the minutes', 'todo', 7, now() from generate_series(1, ${ROWS}) g;`);
    }
    await sql.unsafe(
        `create trigger notify after insert or update on demo.notifying for each row execute function demo.notify();
        select tidings.track('demo.captured', entity => 'task', topic => $$'project:' || r.project_id$$, ignore => '{updated_at}');
        vacuum analyze`.replace('vacuum analyze', ''),
    );
}

/**
 * Safe capture costs a subtransaction id per statement, and more than 64 in one transaction overflow a cache that every
 * snapshot is taken from. What do readers feel while such a transaction is open, here and on a standby?
 */

import postgres from 'postgres';
import { startStandby } from '../test/support/standby.ts';
import { startCluster } from './cluster.ts';
import { pgbench } from './pgbench.ts';

const STATEMENTS = 200;
const ROWS = 200;
const READ = `\\set i random(1, ${ROWS})
select title from demo.plain where id = :i;`;
/** Others go on writing, so that snapshots have something to look up. */
const WRITE = `\\set i random(1, ${ROWS})
update demo.plain set title = 'y' where id = :i + ${ROWS};`;

export async function ask(): Promise<void> {
    const cluster = await startCluster({ wal_level: 'replica', max_wal_senders: '4' });
    const { sql } = cluster;
    await sql.unsafe(`create schema demo`);
    for (const table of ['plain', 'safe', 'strict']) {
        await sql.unsafe(`create table demo.${table} (id int primary key, title text);
            insert into demo.${table} select g, 'x' from generate_series(1, ${2 * ROWS}) g;`);
    }
    await sql.unsafe(`select tidings.track('demo.safe', topic => $$'demo:1'$$);
        select tidings.track('demo.strict', topic => $$'demo:1'$$, strict => true);`);
    const standby = await startStandby(cluster);

    console.log(
        `one transaction of ${STATEMENTS} single-row updates, then held open; 8 readers of the rows beside 2 writers`,
    );
    console.log('table    statements   reads/s on primary   reads/s on standby');
    for (const table of ['nothing', 'plain', 'strict', 'safe']) {
        const open = postgres(cluster.url, { max: 1 });
        await open`begin`;
        const startedMs = performance.now();
        for (let n = 1; table !== 'nothing' && n <= STATEMENTS; n += 1) {
            await open.unsafe(`update demo.${table} set title = 'z' where id = ${n}`);
        }
        const tookMs = performance.now() - startedMs;
        const [primary, replica] = [
            await readBeside(cluster.url, cluster.url),
            await readBeside(standby.url, cluster.url),
        ];
        console.log(
            table.padEnd(8),
            `${tookMs.toFixed(0).padStart(7)} ms`,
            primary.toFixed(0).padStart(20),
            replica.toFixed(0).padStart(20),
        );
        await open`rollback`;
        await open.end();
    }
    await standby.remove();
    await cluster.stop();
}

/** Reads per second at one place while two clients write at the primary. */
async function readBeside(readUrl: string, writeUrl: string): Promise<number> {
    const [reads] = await Promise.all([
        pgbench({ url: readUrl, script: READ, clients: 8, seconds: 5 }),
        pgbench({ url: writeUrl, script: WRITE, clients: 2, seconds: 5 }),
    ]);
    return reads;
}

/** The pool when connections break: every statement ends, and none is run outside of its transaction. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/store/pool.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let database: TestDatabase;
let proxy: TcpProxy;
let pool: Pool;

beforeEach(async () => {
    database = await openDatabase({ empty: true });
    await database.sql`create table noted (what text not null)`;
    proxy = await startTcpProxy(database.url);
    pool = open({ deadlineMs: 10_000, max: 2 });
});

afterEach(async () => {
    await pool.end();
    await proxy.stop();
    await database.close();
});

function open(options: { readonly deadlineMs: number; readonly max: number }): Pool {
    return createPool(proxy.through(database.url), { name: 'tidings test', ...options });
}

async function noted(): Promise<unknown[]> {
    const rows = await database.sql`select what from noted order by what`;
    return rows.map((row) => row['what']);
}

async function waitUntil(met: () => boolean | Promise<boolean>): Promise<void> {
    for (const lastMs = performance.now() + 10_000; !(await met()); await delay(10)) {
        if (performance.now() > lastMs) throw new Error(`expected ${met} within 10 s, got nothing`);
    }
}

/** Resolves when no session of ours is left on the server. */
function gone(): Promise<void> {
    return waitUntil(async () => {
        const rows = await database.sql`
            select from pg_stat_activity where application_name = 'tidings test' and datname = ${database.name}`;
        return rows.length === 0;
    });
}

async function worksAgain(): Promise<void> {
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => pool<{ n: number }[]>`select ${n}::int as n`));
    expect(answers.map(([row]) => row?.n)).toEqual([1, 2, 3, 4, 5]);
}

describe('a pool', () => {
    test('commits what returns and rolls back what throws', async () => {
        const answer = await pool.begin('', async (tx) => {
            await tx`insert into noted values ('kept')`;
            return 'done';
        });
        expect(answer).toBe('done');
        const failing = pool.begin('', async (tx) => {
            await tx`insert into noted values ('dropped')`;
            throw new Error('no');
        });
        await expect(failing).rejects.toThrow('no');
        const swallowing = pool.begin('', async (tx) => {
            await tx`insert into noted values ('lost')`;
            await tx`select 1 / 0`.catch(() => undefined);
        });
        await expect(swallowing).rejects.toMatchObject({ code: 'internal' });
        await expect(
            pool.begin('read only', (tx) => tx`insert into noted values ('not allowed')`),
        ).rejects.toMatchObject({ code: '25006' });
        expect(await noted()).toEqual(['kept']);
        await worksAgain();
    });

    test.each([
        ['during a statement', false],
        ['between two statements', true],
    ])('fails a transaction whose connection is cut %s, and runs nothing of it later', async (_, between) => {
        const work = pool.begin('', async (tx) => {
            await tx`insert into noted values ('before')`;
            if (between) {
                proxy.cut();
                await gone();
            } else setTimeout(proxy.cut, 30);
            await tx`select pg_sleep(1)`.catch(() => undefined);
            await tx`insert into noted values ('after')`;
        });
        await expect(work).rejects.toMatchObject({ code: expect.stringMatching(/^(CONNECTION_|ECONN)/) });
        await worksAgain();
        expect(await noted()).toEqual([]);
    });

    test('asks again on a clean connection after the server ended one in the middle of a statement', async () => {
        for (let n = 0; n < 5; n += 1) {
            const asking = pool`select pg_sleep(20)`;
            const failed = expect(asking).rejects.toThrow();
            const terminate = () =>
                database.sql`select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name = 'tidings test' and query like '%pg_sleep%' and datname = ${database.name}`;
            const killing = setInterval(() => void terminate().execute(), 20);
            await failed.finally(() => clearInterval(killing));
            await worksAgain();
        }
    });

    test('ends what hangs on a half-open connection, and what waits for one, by the deadline', async () => {
        await pool.end();
        pool = open({ deadlineMs: 400, max: 2 });
        await worksAgain();
        proxy.blackHole(true);
        const startedMs = performance.now();
        const hanging = [
            pool`select 1`,
            pool.begin('', (tx) => tx`select 1`),
            pool`select 1`,
            pool.begin('', (tx) => tx`select 1`),
        ];
        const ended = await Promise.allSettled(hanging);
        expect(performance.now() - startedMs).toBeLessThan(3000);
        for (const outcome of ended) {
            expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
        }
        expect(proxy.counts.droppedBytes).toBeGreaterThan(0);
        proxy.blackHole(false);
        await worksAgain();
    });

    test('asks what may be asked twice on another connection when one was cut off silently', async () => {
        await pool.end();
        pool = createPool(proxy.through(database.url), {
            name: 'tidings test',
            deadlineMs: 10_000,
            patienceMs: 100,
            max: 1,
        });
        await worksAgain();
        proxy.blackHole(true);
        const asking = worksAgain();
        await waitUntil(() => proxy.counts.droppedBytes > 0);
        proxy.blackHole(false);
        const startedMs = performance.now();
        await asking;
        expect(performance.now() - startedMs).toBeLessThan(3000);
        expect(proxy.counts.accepted).toBe(2);
        expect(await pool`select pg_sleep(0.4), 1 as n`).toMatchObject([{ n: 1 }]);
    });

    test('fails at once while nobody answers the door', async () => {
        proxy.refuse(true);
        await expect(pool`select 1`).rejects.toMatchObject({ code: expect.stringMatching(/^(CONNECTION_|ECONN)/) });
        proxy.refuse(false);
        await worksAgain();
    });
});

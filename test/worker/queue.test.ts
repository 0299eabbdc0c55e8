/** What becomes of jobs: on graphile-worker's own tables, with work that does what a test says. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Observation } from '../../src/observe.ts';
import type { Digests } from '../../src/worker/digests.ts';
import { createWorker } from '../../src/worker/worker.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';

const TIMEOUT = { timeout: 15_000 };

let database: TestDatabase;
let observed: Observation[];
let calls: string[];
let worker: ReturnType<typeof createWorker> | undefined;

beforeEach(async () => {
    database = await openDatabase();
    observed = [];
    calls = [];
});
afterEach(async () => {
    await worker?.stop();
    await database.close();
});

async function work(digests: Partial<Digests> = {}): Promise<void> {
    worker = createWorker({
        databaseUrl: database.url,
        observe: (observation) => observed.push(observation),
        everyMinutes: 5,
        instantEveryMs: 50,
        pollMs: 50,
        watchMs: 50,
        digests: {
            claim: async (kinds) => calls.push(`claim ${kinds}`),
            deliver: async (which) => calls.push(`deliver ${which?.onlyInstant === true ? 'instant' : 'all'}`),
            sendTo: async () => null,
            stop: () => undefined,
            ...digests,
        },
    });
    await worker.start();
}

const addJob = (task: string, spec = '') =>
    database.sql.unsafe(`select graphile_worker.add_job('${task}', max_attempts => 1 ${spec})`);
const failures = () =>
    observed.flatMap((seen) =>
        seen.type === 'service.failed' && seen.error instanceof Error ? [seen.error.message] : [],
    );
const count = (call: string) => calls.filter((one) => one === call).length;

test('a claim that fails keeps nothing from being sent, and leaves no job behind', async () => {
    await work({
        claim: async () => {
            throw new Error('away');
        },
    });
    await addJob('tidings.digests');
    await expect.poll(() => Math.min(count('deliver instant'), 2 * count('deliver all')), TIMEOUT).toBeGreaterThan(1);
    expect(failures()).toContain('away');
    await worker?.stop();
    expect(await database.sql`select from graphile_worker._private_jobs where attempts > 0`).toHaveLength(0);
});

test('a run that takes long is not begun again beside itself, so that it takes no place from others', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
        letGo = resolve;
    });
    await work({
        async claim(kinds) {
            calls.push(`claim ${kinds}`);
            if (kinds.includes('instant')) await held;
            return 0;
        },
    });
    await expect.poll(() => count('claim instant'), TIMEOUT).toBe(1);
    // As the cron does every minute.
    for (let minute = 0; minute < 5; minute += 1) await addJob('tidings.instant');
    await addJob('tidings.delivery');
    await expect.poll(() => count('deliver all'), TIMEOUT).toBe(1);
    expect(count('claim instant')).toBe(1);
    letGo();
    await expect.poll(() => count('claim instant'), TIMEOUT).toBeGreaterThan(1);
});

test('a worker that leaves jobs lying begins anew, and then does them', async () => {
    await addJob('tidings.delivery', `, queue_name => 'held', run_at => now() - interval '2 minutes'`);
    await database.sql`
        update graphile_worker._private_job_queues set locked_at = now(), locked_by = 'a worker that is no more'`;
    await work();
    await expect.poll(failures, TIMEOUT).toContain('expected jobs to be begun within 60 s, got one that was not');
    await expect.poll(() => count('claim instant'), TIMEOUT).toBeGreaterThan(2);
    expect(count('deliver all')).toBe(0);
    await database.sql`update graphile_worker._private_job_queues set locked_at = null, locked_by = null`;
    await expect.poll(() => count('deliver all'), TIMEOUT).toBe(1);
});

test('what a killed worker left is cleared away', async () => {
    await addJob('tidings.instant');
    await addJob('tidings.digests', `, run_at => now() + interval '1 day'`);
    await database.sql`
        update graphile_worker._private_jobs
        set attempts = 1, locked_by = 'a worker that is no more', locked_at = now() - interval '5 hours'
        where task_id = (select t.id from graphile_worker._private_tasks t where t.identifier = 'tidings.instant')`;
    await work();
    await expect
        .poll(
            () => database.sql`select from graphile_worker._private_jobs where locked_by = 'a worker that is no more'`,
            TIMEOUT,
        )
        .toHaveLength(0);
    expect(await database.sql`select from graphile_worker.jobs where task_identifier = 'tidings.digests'`).toHaveLength(
        1,
    );
});

/** When mails are claimed and sent: graphile-worker's cron and its queue, so that any number of workers do each thing once. */

import type { Logger as GraphileLogger } from 'graphile-worker';
import { Logger, parseCronItems, type Runner, run } from 'graphile-worker';
import type { Pool } from 'pg';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';
import { createPgPool, type PgPool } from '../store/pg-pool.ts';
import { within } from '../within.ts';
import type { Digests } from './digests.ts';
import { createTasks, DELIVERY, DIGESTS, INSTANT } from './tasks.ts';

export type WorkerOptions = {
    readonly databaseUrl: string;
    readonly observe: Observe;
    readonly digests: Digests;
    /** How often digests are claimed, in whole minutes that divide an hour. */
    readonly everyMinutes: number;
    /** How often instant mails are claimed. */
    readonly instantEveryMs: number;
    /** How often the queue is looked at by those whom no notification reached. */
    readonly pollMs?: number;
    /** How often it is looked whether the queue is worked at. */
    readonly watchMs?: number;
};

const SCHEMA = 'graphile_worker';
/** So many seconds after its time a job should have been begun. */
const OVERDUE_SECONDS = 60;
const POOL_SIZE = 4;
const CONCURRENCY = 3;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/**
 * Jobs are ended in batches, of one: else a job that can't be noted as the database is away is a rejection that nobody
 * handles, and the end of the process. And the runner waits for batches before it ends, so that no job stays locked.
 */
const RUNNER = { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } };
/** Past this what still runs is left to itself, without its connections. */
const STOP_MS = 1700;

/** Makes the worker. It goes on trying when the database is away. */
export function createWorker(options: WorkerOptions): Service {
    const { databaseUrl, observe, digests, everyMinutes, instantEveryMs, pollMs = 5000, watchMs = 30_000 } = options;
    const pause = createPause();
    const tasks = createTasks({ digests, observe, instantEveryMs, isStopping: () => pause.ended });
    let runner: Runner | undefined;
    let running: Promise<void> | undefined;
    let connections: PgPool | undefined;

    async function work(): Promise<void> {
        connections = createPgPool(databaseUrl, { name: 'worker', max: POOL_SIZE, observe });
        const { pool } = connections;
        let watch: NodeJS.Timeout | undefined;
        try {
            runner = await run({
                pgPool: pool,
                schema: SCHEMA,
                concurrency: CONCURRENCY,
                // Nothing else wakes it for a job whose time has come.
                pollInterval: Math.min(pollMs, instantEveryMs),
                noHandleSignals: true,
                parsedCronItems: parseCronItems(cronItems(everyMinutes)),
                taskList: tasks.list,
                logger: toLogger(observe),
                preset: RUNNER,
            });
            watch = setInterval(() => void startAnewIfStuck(pool), watchMs);
            await clearAway(pool);
            await runner.addJob(INSTANT, {}, { jobKey: INSTANT, jobKeyMode: 'preserve_run_at', maxAttempts: 1 });
            // Asked to stop before there was anything to stop.
            if (pause.ended) await endRunner();
            await runner.promise;
        } finally {
            clearInterval(watch);
            await endRunner();
            runner = undefined;
            await tasks.settled();
            await pool.end().catch(() => undefined);
        }
    }

    /** A runner whose connections were lost may believe it works and do nothing. */
    async function startAnewIfStuck(pool: Pool): Promise<void> {
        const { rows } = await pool
            .query(
                `select from ${SCHEMA}.jobs j
                where j.task_identifier = any ($1) and j.locked_at is null and j.attempts < j.max_attempts
                    and j.run_at < clock_timestamp() - make_interval(secs => $2)
                limit 1`,
                [[DELIVERY, DIGESTS, INSTANT], OVERDUE_SECONDS],
            )
            .catch(() => ({ rows: [] }));
        if (rows.length === 0) return;
        const error = new Error(`expected jobs to be begun within ${OVERDUE_SECONDS} s, got one that was not`);
        observe({ type: 'service.failed', service: 'worker', error });
        await endRunner();
    }

    /** Refused if it ends already, which is as well. */
    async function endRunner(): Promise<void> {
        await runner?.stop().catch(() => undefined);
    }

    async function keepWorking(): Promise<void> {
        for (let failures = 0; !pause.ended; failures += 1) {
            const startedMs = performance.now();
            try {
                await work();
            } catch (error) {
                observe({ type: 'service.failed', service: 'worker', error });
            }
            if (performance.now() - startedMs > LAST_RETRY_MS) failures = 0;
            await pause.wait(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures));
        }
    }

    return {
        name: 'worker',
        async start() {
            running ??= keepWorking();
        },
        async stop() {
            pause.end();
            digests.stop();
            const ended = Promise.all([endRunner(), running]).then(() => true);
            if (!(await within(STOP_MS, ended, false))) connections?.cut();
        },
    };
}

/** Each minute by one of all workers, whichever asks first. What was missed while none ran is not made up for. */
function cronItems(everyMinutes: number) {
    const once = { backfillPeriod: 0, maxAttempts: 1 };
    return [
        { task: DIGESTS, match: `*/${everyMinutes} * * * *`, options: { ...once, jobKey: DIGESTS } },
        { task: DELIVERY, match: '* * * * *', options: { ...once, jobKey: DELIVERY } },
        // Begins the chain again if who was at it died.
        {
            task: INSTANT,
            match: '* * * * *',
            options: { ...once, jobKey: INSTANT, jobKeyMode: 'preserve_run_at' as const },
        },
    ];
}

/** A worker that was killed leaves a job behind that nobody does: others have been asked for since. */
async function clearAway(pool: Pool): Promise<void> {
    await pool.query(
        `select ${SCHEMA}.complete_jobs(array(
            select j.id from ${SCHEMA}.jobs j
            where j.task_identifier = any ($1) and j.attempts >= j.max_attempts
                and (j.locked_at is null or j.locked_at < clock_timestamp() - interval '4 hours')
        ))`,
        [[DELIVERY, DIGESTS, INSTANT]],
    );
}

/** Only what went wrong is worth a line. */
function toLogger(observe: Observe): GraphileLogger {
    return new Logger(() => (level, message) => {
        if (level === 'error') observe({ type: 'service.failed', service: 'worker', error: new Error(message) });
    });
}

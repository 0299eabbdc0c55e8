/** When mails are claimed and sent: graphile-worker's cron and its queue, so that any number of workers do each thing once. */

import type { Logger as GraphileLogger } from 'graphile-worker';
import { Logger, parseCronItems, type Runner, run } from 'graphile-worker';
import { Pool } from 'pg';
import { readDatabaseUrl } from '../database-url.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';
import { SERVER_ROLE, SERVER_TCP } from '../store/connect.ts';
import type { Digests } from './digests.ts';

export type WorkerOptions = {
    readonly databaseUrl: string;
    readonly observe: Observe;
    readonly digests: Digests;
    /** How often digests are claimed, in whole minutes that divide an hour. */
    readonly everyMinutes?: number;
    /** How often instant mails are claimed and failed ones tried again. */
    readonly instantEveryMs?: number;
    /** How often the queue is looked at by those whom no notification reached. */
    readonly pollMs?: number;
};

const DIGESTS = 'tidings.digests';
const INSTANT = 'tidings.instant';
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/** Makes the worker. It goes on trying when the database is away. */
export function createWorker(options: WorkerOptions): Service {
    const { databaseUrl, observe, digests, everyMinutes = 5, instantEveryMs = 10_000, pollMs = 5000 } = options;
    const pause = createPause();
    let runner: Runner | undefined;
    let running: Promise<void> | undefined;

    const tasks = new Set<Promise<void>>();
    const taskList = {
        [DIGESTS]: () => track(mailDigests()),
        [INSTANT]: (_: unknown, { addJob }: { addJob: AddJob }) => track(mailInstantly(addJob)),
    };
    const once = { backfillPeriod: 0, maxAttempts: 1 };
    const crons = [
        { task: DIGESTS, match: `*/${everyMinutes} * * * *`, options: { ...once, jobKey: DIGESTS } },
        {
            task: INSTANT,
            match: '* * * * *',
            options: { ...once, jobKey: INSTANT, jobKeyMode: 'preserve_run_at' as const },
        },
    ];

    async function mailDigests(): Promise<void> {
        await digests.claim(['hourly', 'daily', 'weekly']);
        await digests.deliver();
    }

    /** Asks for itself again, as a cron knows no seconds; the cron sees to it that the chain never ends. */
    async function mailInstantly(addJob: AddJob): Promise<void> {
        try {
            await digests.claim(['instant']);
            await digests.deliver();
        } finally {
            const runAt = new Date(Date.now() + instantEveryMs);
            await addJob(INSTANT, {}, { jobKey: INSTANT, runAt, maxAttempts: 1 });
        }
    }

    /** The runner may end while a task still runs. */
    async function track(task: Promise<void>): Promise<void> {
        tasks.add(task);
        try {
            await task;
        } finally {
            tasks.delete(task);
        }
    }

    async function work(): Promise<void> {
        const { url, tls } = readDatabaseUrl(databaseUrl);
        const pool = new Pool({
            connectionString: url,
            ssl: tls,
            max: 4,
            application_name: 'tidings worker',
            options: Object.entries({ ...SERVER_TCP, role: SERVER_ROLE })
                .map(([name, value]) => `-c ${name}=${value}`)
                .join(' '),
            keepAlive: true,
        });
        pool.on('error', (error) => observe({ type: 'service.failed', service: 'worker', error }));
        pool.on('connect', (client) => client.on('error', () => undefined));
        try {
            runner = await run({
                pgPool: pool,
                schema: 'graphile_worker',
                concurrency: 2,
                pollInterval: pollMs,
                noHandleSignals: true,
                parsedCronItems: parseCronItems(crons),
                taskList,
                logger: toLogger(observe),
            });
            await runner.addJob(INSTANT, {}, { jobKey: INSTANT, jobKeyMode: 'preserve_run_at', maxAttempts: 1 });
            // Asked to stop before there was anything to stop.
            if (pause.ended) await endRunner();
            await runner.promise;
        } finally {
            runner = undefined;
            await Promise.allSettled(tasks);
            await pool.end().catch(() => undefined);
        }
    }

    /** Refused if it ends already, which is as well. */
    async function endRunner(): Promise<void> {
        await runner?.stop().catch(() => undefined);
    }

    async function keepWorking(): Promise<void> {
        for (let failures = 0; !pause.ended; failures += 1) {
            try {
                await work();
            } catch (error) {
                observe({ type: 'service.failed', service: 'worker', error });
            }
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
            await endRunner();
            await running;
        },
    };
}

type AddJob = (
    task: string,
    payload: object,
    spec: { readonly jobKey: string; readonly runAt: Date; readonly maxAttempts: number },
) => Promise<unknown>;

/** Only what went wrong is worth a line. */
function toLogger(observe: Observe): GraphileLogger {
    return new Logger(() => (level, message) => {
        if (level === 'error') observe({ type: 'service.failed', service: 'worker', error: new Error(message) });
    });
}

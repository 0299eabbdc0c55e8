/** The jobs of the worker. None fails: a job that failed would be kept for good, and what it was for is in `tidings.digest`. */

import { setTimeout } from 'node:timers/promises';
import type { Observe } from '../observe.ts';
import type { DigestKind } from '../store/digests.ts';
import type { Digests } from './digests.ts';

/** Claims digests that are due, and sends them. */
export const DIGESTS = 'tidings.digests';
/** Sends what is to be tried again, and what a worker left that died. */
export const DELIVERY = 'tidings.delivery';
/** Claims and sends instant mails, and asks for itself again. */
export const INSTANT = 'tidings.instant';

export type TasksOptions = {
    readonly digests: Digests;
    readonly observe: Observe;
    readonly instantEveryMs: number;
    /** True once the worker is being stopped. */
    readonly isStopping: () => boolean;
};

/** What a task may ask graphile-worker for. */
type Helpers = {
    addJob(
        task: string,
        payload: object,
        spec: { readonly jobKey: string; readonly runAt: Date; readonly maxAttempts: number },
    ): Promise<unknown>;
};

const ASK_TRIES = 5;
const ASK_PAUSE_MS = 500;

export function createTasks({ digests, observe, instantEveryMs, isStopping }: TasksOptions) {
    const underWay = new Set<Promise<void>>();

    const deliver = oneAtATime(async () => void (await digests.deliver()));

    /** If nothing can be claimed, what is claimed is to be sent all the same. */
    async function claim(kinds: readonly DigestKind[]): Promise<void> {
        await digests.claim(kinds).catch(told);
    }

    function told(error: unknown): void {
        observe({ type: 'service.failed', service: 'worker', error });
    }

    async function mailDigests(): Promise<void> {
        await claim(['hourly', 'daily', 'weekly']);
        await deliver();
    }

    /** Asks for itself again, as a cron knows no seconds. */
    async function mailInstantly(helpers: Helpers): Promise<void> {
        try {
            await claim(['instant']);
            await digests.deliver({ onlyInstant: true });
        } finally {
            await askAgain(helpers);
        }
    }

    /** More than once if a connection has just been lost: else the chain waits for the cron. */
    async function askAgain({ addJob }: Helpers): Promise<void> {
        for (let tries = 1; ; tries += 1) {
            try {
                const runAt = new Date(Date.now() + instantEveryMs);
                await addJob(INSTANT, {}, { jobKey: INSTANT, runAt, maxAttempts: 1 });
                return;
            } catch (error) {
                if (tries === ASK_TRIES || isStopping()) throw error;
                await setTimeout(ASK_PAUSE_MS);
            }
        }
    }

    const instantly = oneAtATime(mailInstantly);

    function track(task: Promise<void>): Promise<void> {
        const ended = task.catch(told).finally(() => underWay.delete(ended));
        underWay.add(ended);
        return ended;
    }

    return {
        list: {
            [DIGESTS]: () => track(mailDigests()),
            [DELIVERY]: () => track(deliver()),
            [INSTANT]: (_: unknown, helpers: Helpers) => track(instantly(helpers)),
        },
        /** Resolves when none is under way: the runner may end before they do. */
        async settled(): Promise<void> {
            await Promise.all(underWay);
        },
    };
}

/**
 * Leaves out a call that comes while another is under way: that goes on until there is nothing left to do. So nothing that
 * takes long, asked for every minute, takes the places of all else.
 */
function oneAtATime<Args extends readonly unknown[]>(work: (...args: Args) => Promise<void>) {
    let busy = false;
    return async (...args: Args): Promise<void> => {
        if (busy) return;
        busy = true;
        try {
            await work(...args);
        } finally {
            busy = false;
        }
    };
}

/** The jobs of the worker. None fails: a job that failed would be kept for good, and what it was for is in `tidings.digest`. */

import type { Observe } from '../observe.ts';
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
};

/** What a task may ask graphile-worker for. */
type Helpers = {
    addJob(
        task: string,
        payload: object,
        spec: { readonly jobKey: string; readonly runAt: Date; readonly maxAttempts: number },
    ): Promise<unknown>;
};

export function createTasks({ digests, observe, instantEveryMs }: TasksOptions) {
    const underWay = new Set<Promise<void>>();
    let delivering = false;

    /** One at a time: it goes on until there is nothing left, so another would find nothing to do, and keep instant mails waiting. */
    async function deliver(): Promise<void> {
        if (delivering) return;
        delivering = true;
        try {
            await digests.deliver();
        } finally {
            delivering = false;
        }
    }

    async function mailDigests(): Promise<void> {
        await digests.claim(['hourly', 'daily', 'weekly']);
        await deliver();
    }

    /** Asks for itself again, as a cron knows no seconds. */
    async function mailInstantly({ addJob }: Helpers): Promise<void> {
        try {
            await digests.claim(['instant']);
            await digests.deliver({ onlyInstant: true });
        } finally {
            const runAt = new Date(Date.now() + instantEveryMs);
            await addJob(INSTANT, {}, { jobKey: INSTANT, runAt, maxAttempts: 1 });
        }
    }

    function track(task: Promise<void>): Promise<void> {
        const ended = task
            .catch((error: unknown) => observe({ type: 'service.failed', service: 'worker', error }))
            .finally(() => underWay.delete(ended));
        underWay.add(ended);
        return ended;
    }

    return {
        list: {
            [DIGESTS]: () => track(mailDigests()),
            [DELIVERY]: () => track(deliver()),
            [INSTANT]: (_: unknown, helpers: Helpers) => track(mailInstantly(helpers)),
        },
        /** Resolves when none is under way: the runner may end before they do. */
        async settled(): Promise<void> {
            await Promise.all(underWay);
        },
    };
}

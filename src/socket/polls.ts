/** All requests for events of a topic that are under way: they end with their client, and together when the server does. */

import { TidingsError } from '../errors.ts';
import { Poll, type PollAnswer, type PollRequest } from './poll.ts';
import type { Sessions } from './sessions.ts';

/** What polls are made of. */
export type PollsOptions = {
    readonly sessions: Pick<Sessions, 'ports' | 'closing' | 'crowd'>;
};

/**
 * Reads events of a topic, and waits for some if there are none; null if it is not to be read, or nobody waits any
 * more. Holds no connection of the database while it waits.
 *
 * @throws TidingsError `unavailable` where the log can't be read, where there is no room for one more beside
 * sockets and streams, or because the server stops.
 */
export type ReadEvents = (request: PollRequest, signal: AbortSignal) => Promise<PollAnswer | null>;

const RETRY_MS = 1000;

/** Makes the function that reads beside these sessions. */
export function createPolls({ sessions }: PollsOptions): ReadEvents {
    const { closing, crowd, ports } = sessions;
    const polls = new Set<Poll>();
    closing.addEventListener('abort', () => {
        for (const poll of polls) poll.wrapUp();
    });

    function refuseWhenStopping(): void {
        if (!closing.aborted) return;
        const message = 'expected a server that is not about to stop';
        throw new TidingsError('unavailable', message, { retryAfterMs: RETRY_MS });
    }

    return async (request, signal) => {
        refuseWhenStopping();
        crowd.refuse();
        const poll = new Poll(request, ports);
        const leave = () => poll.abandon();
        signal.addEventListener('abort', leave, { once: true });
        polls.add(poll);
        const exit = crowd.enter();
        try {
            return await poll.run();
        } finally {
            polls.delete(poll);
            exit();
            signal.removeEventListener('abort', leave);
        }
    };
}

/** All requests for events of a topic that are under way: they end with their client, and together when the server does. */

import { TidingsError } from '../errors.ts';
import { Poll, type PollAnswer, type PollRequest } from './poll.ts';
import type { Sessions } from './sessions.ts';

/** What polls are made of. */
export type PollsOptions = {
    readonly sessions: Pick<Sessions, 'ports' | 'closing' | 'count'>;
    readonly settings: { readonly wsMaxConnections: number | null };
};

/**
 * Reads events of a topic, and waits for some if there are none; null if it is not to be read. Holds no connection of the
 * database while it waits.
 *
 * @throws TidingsError `unavailable` where the log can't be read, over the limit of connections (sockets
 * and streams count too), or because the server stops.
 */
export type ReadEvents = (request: PollRequest, signal: AbortSignal) => Promise<PollAnswer | null>;

const RETRY_MS = 1000;

/** Makes the function that reads beside these sessions. */
export function createPolls({ sessions, settings }: PollsOptions): ReadEvents {
    const { closing, count, ports } = sessions;
    const polls = new Set<Poll>();
    closing.addEventListener('abort', () => {
        for (const poll of polls) poll.wrapUp();
    });

    function refuseTooMany(): void {
        const most = settings.wsMaxConnections;
        const isFull = most !== null && count() + polls.size >= most;
        if (!closing.aborted && !isFull) return;
        const message = 'expected fewer connections on this server, and that it is not about to stop';
        throw new TidingsError('unavailable', message, { retryAfterMs: RETRY_MS });
    }

    return async (request, signal) => {
        refuseTooMany();
        const poll = new Poll(request, ports);
        const leave = () => poll.abandon();
        signal.addEventListener('abort', leave, { once: true });
        polls.add(poll);
        try {
            return await poll.run();
        } finally {
            polls.delete(poll);
            signal.removeEventListener('abort', leave);
        }
    };
}

/** `Tidings-Position`: how far a topic was in the snapshot the answer was read in. */

import { TidingsError } from '../errors.ts';
import type { Transaction } from './api.ts';

/** Name of the header. */
export const POSITION_HEADER = 'Tidings-Position';

const RETRY_MS = 1000;

/** The header, for the OpenAPI document. */
export const positionHeader = {
    [POSITION_HEADER]: {
        schema: { type: 'string' as const },
        description: '`<epoch>:<head>` of the topic, read in the same snapshot as the rows',
    },
};

/**
 * `<epoch>:<head>` of a topic. Every event numbered up to it is in rows read in the same transaction.
 *
 * @throws TidingsError `unavailable` on a database whose log no sequencer has begun yet.
 */
export async function positionOf(tx: Transaction, topic: string): Promise<string> {
    const [row] = await tx<{ position: string | null }[]>`select tidings.position(${topic}) as position`;
    const position = row?.position ?? null;
    if (position !== null) return position;
    const message = 'expected a sequencer to have begun the log, got none; try again';
    throw new TidingsError('unavailable', message, { retryAfterMs: RETRY_MS });
}

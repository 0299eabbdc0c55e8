/** `GET /topics/:topic/events`: the events of a topic by request and answer, page by page, waiting for the next ones. */

import { z } from '@hono/zod-openapi';
import type { Topic } from '../event.ts';
import type { Outcome, Since } from '../protocol/index.ts';
import type { Resource } from './api.ts';
import { guardedRoute, json } from './guarded-route.ts';
import { comeTogether, sinceOf, sinceQuery, TOGETHER, topicText } from './since.ts';
import { notFound, wholeNumber } from './validation.ts';

/** Reads events, and waits for some if there are none; null if the topic is not to be read. Items are frames as bytes. */
type ReadEvents = (
    request: {
        readonly userId: string;
        readonly topic: Topic;
        readonly since: Since;
        readonly limit: number;
        readonly waitMs: number;
    },
    signal: AbortSignal,
) => Promise<{
    readonly items: readonly Uint8Array[];
    readonly seq: number;
    readonly epoch: string;
    readonly outcome: Outcome;
} | null>;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** The longest, too: proxies tend to cut what is silent for half a minute. */
const DEFAULT_WAIT_SECONDS = 25;

const query = z
    .strictObject({
        ...sinceQuery,
        limit: wholeNumber.pipe(z.int().min(1).max(MAX_LIMIT)).optional().openapi({
            type: 'integer',
            minimum: 1,
            maximum: MAX_LIMIT,
            default: DEFAULT_LIMIT,
        }),
        wait: wholeNumber.pipe(z.int().max(DEFAULT_WAIT_SECONDS)).optional().openapi({
            type: 'integer',
            minimum: 0,
            maximum: DEFAULT_WAIT_SECONDS,
            default: DEFAULT_WAIT_SECONDS,
            description: 'Seconds to wait if there are no events; 0 answers at once.',
        }),
    })
    .refine(comeTogether, TOGETHER);

const frameSchema = z
    .looseObject({
        type: z.literal('event'),
        topic: z.string(),
        seq: z.int(),
        event: z.string().openapi({ example: 'task.updated' }),
        id: z.string(),
        at: z.string().openapi({ format: 'date-time' }),
        actorId: z.string().nullable(),
        data: z.unknown(),
        requestId: z.string().optional(),
        traceparent: z.string().optional(),
    })
    .openapi('EventFrame');

const pageSchema = z
    .object({
        items: z.array(frameSchema),
        seq: z.int().openapi({ description: 'The place after the last item: the `since` of the next request.' }),
        epoch: z.string(),
        outcome: z.enum(['live', 'resumed', 'reset']),
    })
    .openapi('EventPage');

const topicEvents = guardedRoute({
    method: 'get',
    path: '/topics/{topic}/events',
    tags: ['Stream'],
    summary: 'Events of a topic, in order; waits for the next ones where there are none',
    request: {
        params: z.object({ topic: topicText }),
        query,
    },
    responses: {
        200: json(pageSchema, 'The events after `since`, or after now. None after the wait, or with outcome `reset`.'),
    },
});

/** The resource that reads events by `read`. */
export function topicEventsResource(read: ReadEvents): Resource {
    return (app) => {
        app.openapi(topicEvents, async (c) => {
            const { topic } = c.req.valid('param');
            const { limit = DEFAULT_LIMIT, wait = DEFAULT_WAIT_SECONDS, ...place } = c.req.valid('query');
            const request = {
                userId: c.var.userId,
                topic,
                since: sinceOf(place),
                limit,
                waitMs: c.req.method === 'HEAD' ? 0 : waitMs(wait, c.var.expiresAtMs),
            };
            const page = await read(request, c.req.raw.signal);
            if (page === null) throw notFound();
            const { items, seq, epoch, outcome } = page;
            const rest = JSON.stringify({ seq, epoch, outcome }).slice(1);
            // The frames are put in as they are, so that they are to the letter those of the socket.
            const body = Buffer.concat([Buffer.from('{"items":['), ...separated(items), Buffer.from(`],${rest}`)]);
            // Of the schema's shape, which the type of bytes can't show.
            return c.body(body, 200, { 'content-type': 'application/json' }) as never;
        });
    };
}

/** Nobody is kept waiting beyond the end of their token. */
function waitMs(waitSeconds: number, expiresAtMs: number): number {
    return Math.max(0, Math.min(1000 * waitSeconds, expiresAtMs - Date.now()));
}

function separated(items: readonly Uint8Array[]): readonly Uint8Array[] {
    return items.flatMap((item, place) => (place === 0 ? [item] : [COMMA, item]));
}

const COMMA = Buffer.from(',');

/** `GET /stream`: the frames of the socket as server-sent events. The stream itself is made elsewhere. */

import { createRoute, z } from '@hono/zod-openapi';
import type { Topic } from '../event.ts';
import type { Since } from '../protocol/index.ts';
import { checkAccepts } from './accepts.ts';
import type { Resource } from './api.ts';
import { authenticateByUrl } from './authenticate.ts';
import { problem } from './guarded-route.ts';
import { comeTogether, sinceOf, sinceQuery, TOGETHER, topicText } from './since.ts';

/** Opens a stream and answers its body; throws TidingsError. */
type OpenStream = (request: {
    readonly userId: string;
    readonly expiresAtMs: number;
    readonly topics: readonly Topic[];
    readonly since: Since;
    readonly lastEventId: string | null;
    readonly address: string;
}) => ReadableStream<Uint8Array>;

const EVENT_STREAM = 'text/event-stream';
const LAST_EVENT_ID = 'Last-Event-ID';

const query = z
    .strictObject({
        topic: z
            .union([topicText, z.array(topicText)])
            .transform((topics) => [...new Set([topics].flat())])
            .openapi({
                param: { style: 'form', explode: true },
                type: 'array',
                items: { type: 'string' },
                description: 'A topic to subscribe to; may be repeated. `user:<sub>` is joined only if asked for.',
            }),
        ...sinceQuery,
        token: z.string().optional().openapi({ description: 'The token, for clients that can send no header.' }),
        lastEventId: z
            .string()
            .max(8192)
            .optional()
            .openapi({ description: `As the header \`${LAST_EVENT_ID}\`, for a client that is made anew.` }),
    })
    .refine(comeTogether, TOGETHER)
    .refine(({ since, topic }) => since === undefined || topic.length === 1, {
        path: ['since'],
        message: 'expected since with exactly one topic',
    });

const streamRoute = createRoute({
    method: 'get',
    path: '/stream',
    tags: ['Stream'],
    summary:
        'The frames of the WebSocket as server-sent events; each `data:` is one frame, `event` frames carry an `id:`',
    security: [{ bearer: [] }, { urlToken: [] }],
    middleware: authenticateByUrl,
    request: { query },
    responses: {
        200: { description: 'The stream.', content: { [EVENT_STREAM]: { schema: z.string() } } },
        400: problem('Malformed input, or too many topics; `issues` says where.'),
        401: problem('No token, or one that is not accepted.'),
        406: problem(`An \`Accept\` that excludes \`${EVENT_STREAM}\`.`),
        503: problem('Too many connections; try again after `Retry-After`.'),
    },
});

const HEADERS = {
    'content-type': EVENT_STREAM,
    // Nobody is to keep it, look into it, or hold it back until there is more.
    'cache-control': 'no-cache, no-store, no-transform',
    'x-accel-buffering': 'no',
};

/** The resource that opens streams by `open`. */
export function streamResource(open: OpenStream): Resource {
    return (app) => {
        app.openAPIRegistry.registerComponent('securitySchemes', 'urlToken', {
            type: 'apiKey',
            in: 'query',
            name: 'token',
        });
        app.openapi(streamRoute, (c) => {
            checkAccepts(c.req.header('accept'), EVENT_STREAM);
            if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS);
            const { topic: topics, lastEventId = '', ...place } = c.req.valid('query');
            const body = open({
                userId: c.var.userId,
                expiresAtMs: c.var.expiresAtMs,
                topics,
                since: sinceOf(place),
                lastEventId: c.req.header(LAST_EVENT_ID) || lastEventId || null,
                address: c.env.peer.address,
            });
            return c.body(body, 200, HEADERS);
        });
    };
}

/** The web port: the catcher's page on node:http, for browsers on this machine only. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf, TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import { type Answer, answerRequest } from './answer.ts';
import { listenNear } from './listen.ts';
import type { Mailbox } from './mailbox.ts';
import { assertLocalHost, assertOwnOrigin } from './same-site.ts';

/** What the port is given. */
export type WebPortOptions = {
    readonly mailbox: Mailbox;
    readonly host: string;
    readonly port: number;
    readonly observe: Observe;
};

const LIMITS = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 10_000 } as const;
const MAX_CONNECTIONS = 100;

/** On every answer, besides its own: nothing is kept, guessed, framed or read by others. */
const HEADERS = {
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
} as const;

/** The port; `url` is there once it has started. */
export function createWebPort({ mailbox, host, port, observe }: WebPortOptions): Service & { url(): string } {
    let running: { readonly server: Server; readonly port: number } | null = null;

    async function answer(request: IncomingMessage): Promise<Answer> {
        assertLocalHost(request.headers);
        if (request.method !== 'GET' && request.method !== 'HEAD') assertOwnOrigin(request.headers);
        return answerRequest(mailbox, request);
    }

    function failed(error: unknown): Answer {
        const known = error instanceof TidingsError;
        if (!known) observe({ type: 'handler.failed', where: 'mail catcher', error });
        const body = known ? messageOf(error) : 'expected an answer, got a failure on our side';
        return { status: known ? error.status : 500, type: 'text/plain', body: `${body}\n` };
    }

    async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
        // No request has a body that says anything.
        request.resume();
        const { status = 200, type, body, headers = {} } = await answer(request).catch(failed);
        response.writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8`, ...headers });
        response.end(body);
    }

    async function start(): Promise<void> {
        const server = createServer(LIMITS, (request, response) => void handle(request, response));
        server.maxConnections = MAX_CONNECTIONS;
        running = { server, port: await listenNear(server, host, port) };
    }

    async function stop(): Promise<void> {
        const server = running?.server;
        running = null;
        await new Promise<void>((resolve) => {
            if (server === undefined) return resolve();
            server.close(() => resolve());
            server.closeAllConnections();
        });
    }

    function url(): string {
        if (running === null) throw new TypeError('expected the mail catcher to have been started, got a stopped one');
        return `http://${host}:${running.port}`;
    }

    return { name: 'mail catcher page', start, stop, url };
}

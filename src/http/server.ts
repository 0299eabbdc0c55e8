/** The one port of Tidings: REST and WebSocket on one uWebSockets.js app, as a service. */

import { TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import { type Sessions, TICK_MS } from '../socket/index.ts';
import { guard } from './guard.ts';
import { createHttpHandler, type Fetch } from './http-handler.ts';
import { problemOf, writeProblem } from './problem.ts';
import type { HttpSettings } from './settings.ts';
import type { SocketData } from './socket-data.ts';
import { createSocketHandlers } from './socket-handlers.ts';
import { refuseVersion } from './upgrade.ts';
import {
    createApp,
    type HttpResponse,
    listenExclusively,
    portOf,
    stopListening,
    type us_listen_socket,
} from './uws.ts';

/** What the server connects. */
export type HttpServerOptions = {
    readonly fetch: Fetch;
    readonly sessions: Sessions;
    readonly observe: Observe;
    readonly settings: HttpSettings;
};

/** The server; `url` is there once it has started. */
export type HttpServer = Service & { url(): string };

const SOCKET_PATH = '/ws';

/**
 * Makes the server.
 *
 * `start` rejects with `unavailable` if the port is taken. `stop` refuses new connections, closes sockets with 1001 over
 * `drainMs`, waits as long for answers under way, and then cuts what is left.
 */
export function createHttpServer({ fetch, sessions, observe, settings }: HttpServerOptions): HttpServer {
    const http = createHttpHandler({ fetch, observe, settings });
    const app = createApp();
    let listening: us_listen_socket | null = null;
    let stopped: Promise<void> | undefined;
    let sweeper: NodeJS.Timeout | undefined;
    let ticker: NodeJS.Timeout | undefined;
    let port = settings.port;
    let state: 'new' | 'started' | 'stopping' | 'stopped' = 'new';

    app.ws<SocketData>(
        SOCKET_PATH,
        createSocketHandlers({ sessions, observe, settings, isOpen: () => state === 'started' }),
    );
    app.any(
        SOCKET_PATH,
        guard('http.ws', observe, (res) => writeProblem(res, refuseVersion().problem), giveUp),
    );
    app.any('/*', guard('http', observe, http.handle, giveUp));

    async function start(): Promise<void> {
        const { host } = settings;
        const socket = await listenExclusively(app, host, settings.port);
        if (socket === false) {
            const message = `expected port ${settings.port} on ${host} to be free and ours to listen on, got a refusal`;
            throw new TidingsError('unavailable', message);
        }
        listening = socket;
        port = portOf(socket);
        state = 'started';
        sweeper = setInterval(guard('sweep', observe, sessions.sweep), settings.heartbeatMs / 5);
        ticker = setInterval(guard('tick', observe, sessions.tick), TICK_MS);
    }

    async function wind(socket: us_listen_socket): Promise<void> {
        state = 'stopping';
        stopListening(socket);
        clearInterval(sweeper);
        clearInterval(ticker);
        let timer: NodeJS.Timeout | undefined;
        const deadline = new Promise<void>((resolve) => {
            timer = setTimeout(resolve, settings.drainMs);
        });
        // Streams are sessions too: they say goodbye before what is left is hung up.
        const goodbyes = sessions.closeAll(settings.drainMs / 2).then(http.finish);
        await Promise.race([goodbyes, deadline]);
        clearTimeout(timer);
        app.close();
        state = 'stopped';
    }

    async function stop(): Promise<void> {
        if (listening !== null) stopped ??= wind(listening);
        await stopped;
    }

    return { name: 'http', start, stop, url: () => `http://${bracketed(settings.host)}:${port}` };
}

function giveUp(res: HttpResponse): void {
    writeProblem(res, problemOf(null));
}

function bracketed(host: string): string {
    return host.includes(':') ? `[${host}]` : host;
}

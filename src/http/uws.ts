/** uWebSockets.js as this folder uses it; nothing outside imports it. See docs/decisions/0002-uws-binary.md. */

import uws from 'uWebSockets.js';

export type {
    HttpRequest,
    HttpResponse,
    us_listen_socket,
    us_socket_context_t,
    WebSocket,
    WebSocketBehavior,
} from 'uWebSockets.js';

type App = import('uWebSockets.js').TemplatedApp;
type ListenSocket = import('uWebSockets.js').us_listen_socket;

/** The form of `listen` that takes host, port and options exists but is not in the typings. */
type Listen = (host: string, port: number, options: number, done: (socket: ListenSocket | false) => void) => App;

/** Declared as an enum's member, exported as a number. */
const EXCLUSIVE_PORT = Number(Reflect.get(uws, 'LIBUS_LISTEN_EXCLUSIVE_PORT') ?? 1);

/** Says "leave out the `uWebSockets` response header"; upstream's own switch, absent in some builds. */
const NO_MARK = '999999990007';

/** Makes an app without TLS. */
export function createApp(): App {
    const configure: unknown = Reflect.get(uws, '_cfg');
    if (typeof configure === 'function') configure(NO_MARK);
    return uws.App();
}

/** Listens, sharing the port with no other process. False if it is not to be had. */
export function listenExclusively(app: App, host: string, port: number): Promise<ListenSocket | false> {
    const listen = app.listen as unknown as Listen;
    return new Promise((resolve) => void listen.call(app, host, port, EXCLUSIVE_PORT, resolve));
}

/** The port that was picked. */
export function portOf(socket: ListenSocket): number {
    return uws.us_socket_local_port(socket);
}

/** Stops accepting; connections stay. */
export function stopListening(socket: ListenSocket): void {
    uws.us_listen_socket_close(socket);
}

/** No compression: frames are small and the memory per socket is not. */
export const NO_COMPRESSION: number = uws.DISABLED;

/** Dials PostgreSQL for the driver, and hangs up at once: the driver itself waits for a goodbye a half-open connection never gives. */

import { connect, Socket } from 'node:net';

/** Where the driver wants to be connected to. Several hosts are not offered; `path` is a socket in the file system. */
export type Destination = {
    readonly host: readonly string[];
    readonly port: readonly number[];
    readonly path: string | false;
};

/** One connection's dialler: `dialling → up → hung up`. */
export type Dialler = {
    dial(destination: Destination): Socket;
    /** Drops the connection, and every one the driver tries after it. */
    hangUp(reason: Error): void;
};

export function createDialler(): Dialler {
    let socket: Socket | undefined;
    let hungUp: Error | undefined;

    /** The driver takes an error only from a socket, and only once it has put its listeners on it. */
    function refuse(reason: Error): Socket {
        const refused = new Socket();
        setImmediate(() => refused.destroy(reason));
        return refused;
    }

    return {
        dial({ host: [host = ''], port: [port = 0], path }) {
            if (hungUp !== undefined) return refuse(hungUp);
            // The driver reads the name to verify in a certificate from the socket.
            socket = path === false ? Object.assign(connect(port, host), { host }) : connect(path);
            return socket;
        },
        hangUp(reason) {
            hungUp ??= reason;
            // With TLS on it the driver has taken its listeners off.
            socket?.on('error', () => undefined).destroy(reason);
        },
    };
}

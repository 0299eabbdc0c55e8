/** Listening on the port one would like, or on any free one. */

import { once } from 'node:events';
import type { Server } from 'node:net';

/** What it means that a port can't be had. */
const REFUSALS = ['EADDRINUSE', 'EACCES'];

/** Listens on `port` of `host`, or where that is taken or not ours on any free one; resolves with the port it became. */
export async function listenNear(server: Server, host: string, port: number): Promise<number> {
    try {
        return await listen(server, host, port);
    } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (port === 0 || !REFUSALS.includes(code)) throw error;
        return listen(server, host, 0);
    }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
    const listening = once(server, 'listening');
    server.listen({ host, port, exclusive: true });
    await listening;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError(`expected a TCP port, got ${address}`);
    return address.port;
}

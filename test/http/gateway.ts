/** A real server on a port of its own over a log in memory, and what a test needs to talk to it. */

import { createVerifier, signToken } from '../../src/auth/index.ts';
import { type Batch, createHub, createReplay, Ring } from '../../src/fanout/index.ts';
import { createHttpServer, type Fetch, HTTP_DEFAULTS, type HttpSettings } from '../../src/http/index.ts';
import type { Observation } from '../../src/observe.ts';
import { createAudience, createSessions, SOCKET_DEFAULTS, type SocketSettings } from '../../src/socket/index.ts';
import { MemoryLog } from '../socket/memory-log.ts';

const SECRET = 'a secret of at least thirty-two bytes';

const LIMITS = {
    wsMaxConnections: 100,
    wsMaxLagMs: null,
    wsConnectRate: null,
    wsMaxMessageBytes: 16_384,
    wsRate: null,
    wsMaxConnectionsPerUser: null,
    wsMaxSubscriptions: 100,
    wsMaxBackpressureBytes: 1_048_576,
    replayLimit: 10_000,
};

/** What a test may change. */
export type GatewayOptions = { readonly fetch?: Fetch; readonly settings?: Partial<HttpSettings & SocketSettings> };

/** Starts a server; `stop` it in the end. */
export async function startGateway({ fetch = hello, settings = {} }: GatewayOptions = {}) {
    const log = new MemoryLog();
    const ring = new Ring();
    const hub = createHub({}, ring);
    const observed: Observation[] = [];
    const observe = (observation: Observation) => void observed.push(observation);
    const all = {
        ...SOCKET_DEFAULTS,
        ...HTTP_DEFAULTS,
        ...LIMITS,
        host: '127.0.0.1',
        port: 0,
        corsOrigins: [],
        trustProxy: 0,
        drainMs: 400,
        ...settings,
    };
    const verifier = createVerifier({ secret: SECRET, jwksUrl: null, issuer: null, audience: null });
    const replay = createReplay({ ring, log, observe });
    const sessions = createSessions({ hub, audience: createAudience(), log, replay, verifier, observe, settings: all });
    const server = createHttpServer({ fetch, sessions, observe, settings: all });
    await server.start();
    const port = Number(new URL(server.url()).port);

    return {
        log,
        hub,
        observed,
        sessions,
        server,
        port,
        url: server.url(),
        socketUrl: `ws://127.0.0.1:${port}/ws`,
        token: (userId = '42', ttlMs = 60_000) => signToken(SECRET, userId, ttlMs),
        publish: (batch: Batch) => hub.publish(batch),
        stop: () => server.stop(),
    };
}

/** What `startGateway` gives. */
export type Gateway = Awaited<ReturnType<typeof startGateway>>;

async function hello(request: Request): Promise<Response> {
    return Response.json({ hello: new URL(request.url).pathname });
}

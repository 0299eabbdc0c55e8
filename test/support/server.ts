/** A whole server on a test database, and what a client of one does: tokens, REST requests, sockets. */

import { signToken } from '../../src/auth/index.ts';
import { loadConfig } from '../../src/config.ts';
import { startServer } from '../../src/main.ts';
import type { Observation } from '../../src/observe.ts';
import type { SocketSettings } from '../../src/socket/index.ts';
import { createSignal } from './signal.ts';
import { connectSocket, type Frame, type SocketClient, suits } from './socket-client.ts';

/** The key of all tokens in tests. */
const JWT_SECRET = 'a secret of test servers, 32 bytes and more';

/** What a REST request is sent with. */
export type Sent = { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

/** A parsed answer; `body` is empty if there was none. */
export type Reply = { readonly status: number; readonly headers: Headers; readonly body: Frame };

/** What can be done with a server that runs somewhere. */
export type ServerClient = {
    readonly url: string;
    /** One request as a user; null: without a token. */
    call(userId: string | null, method: string, path: string, sent?: Sent): Promise<Reply>;
    /** A socket of a user, welcomed and subscribed to these topics. */
    join(userId: string, ...topics: string[]): Promise<SocketClient>;
};

/** A server in this process. */
export type TestServer = ServerClient & {
    /** Takes the first observation like this one after the last one taken. */
    observed(wish: Partial<Observation> | ((seen: Frame) => boolean), withinMs?: number): Promise<Observation>;
    stop(): Promise<void>;
};

/** Environment, and settings that no variable sets. */
export type TestServerOptions = {
    readonly env?: Readonly<Record<string, string>>;
    readonly settings?: Partial<SocketSettings>;
};

/** The environment of a test server: any port, no limits of rate, no log. */
export function testEnvironment(databaseUrl: string): Record<string, string> {
    return {
        DATABASE_URL: databaseUrl,
        JWT_SECRET,
        EXAMPLE: 'true',
        PORT: '0',
        LOG_LEVEL: 'silent',
        POOL_SIZE: '4',
        REST_RATE: '0',
        WS_RATE: '0',
        WS_MAX_CONNECTIONS_PER_USER: '0',
        WS_MAX_LAG_MS: '0',
    };
}

/** Starts a server. Stop it before its database is closed. */
export async function startTestServer(databaseUrl: string, options: TestServerOptions = {}): Promise<TestServer> {
    const { env = {}, settings = {} } = options;
    const noticed: Observation[] = [];
    const news = createSignal();
    let taken = 0;
    // The composition root lays the configuration over what no variable sets, so a test's settings get through with it.
    const config = { ...loadConfig({ ...testEnvironment(databaseUrl), ...env }), ...settings };
    const server = await startServer(config, (observation) => {
        noticed.push(observation);
        news.poke();
    });

    function take(wish: Partial<Observation> | ((seen: Frame) => boolean)): Observation | undefined {
        const place = noticed.findIndex((observation, n) => n >= taken && suits(observation, wish));
        if (place < 0) return undefined;
        taken = place + 1;
        return noticed[place];
    }

    return {
        ...clientOf(server.url),
        observed: (wish, withinMs) =>
            news.until(
                () => take(wish),
                `an observation ${typeof wish === 'function' ? wish : JSON.stringify(wish)}`,
                withinMs,
            ),
        stop: server.stop,
    };
}

/** A token of test servers; negative `ttlMs`: one that has expired. */
export function tokenFor(userId: string, ttlMs = 600_000, secret = JWT_SECRET): Promise<string> {
    return signToken(secret, userId, ttlMs);
}

/** The client of the server at a URL. */
export function clientOf(url: string): ServerClient {
    const tokens = new Map<string, Promise<string>>();

    function tokenOf(userId: string): Promise<string> {
        const token = tokens.get(userId) ?? tokenFor(userId);
        tokens.set(userId, token);
        return token;
    }

    async function call(userId: string | null, method: string, path: string, sent: Sent = {}): Promise<Reply> {
        const { body, headers } = sent;
        const response = await fetch(new URL(path, url), {
            method,
            headers: {
                ...(userId === null ? {} : { authorization: `Bearer ${await tokenOf(userId)}` }),
                ...(body === undefined ? {} : { 'content-type': 'application/json' }),
                ...headers,
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
    }

    async function join(userId: string, ...topics: string[]): Promise<SocketClient> {
        const client = await connectSocket(url, { token: await tokenOf(userId) });
        await client.next({ type: 'welcome' });
        for (const topic of topics) {
            client.send({ type: 'subscribe', topic });
            await client.next({ type: 'subscribed', topic, outcome: 'live' });
        }
        return client;
    }

    return { url, call, join };
}

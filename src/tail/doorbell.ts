/** LISTEN, kept up for as long as the server lives. A ring is a hint and carries no data. */

import { createRequire } from 'node:module';
import type { default as CreateSubscriber, Subscriber } from 'pg-listen';
import { readDatabaseUrl } from '../database-url.ts';
import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';

export type DoorbellOptions = {
    readonly url: string;
    /** What to do when a channel rings. Every one is called too when the connection (re)starts: a ring may have been missed. */
    readonly channels: Readonly<Record<string, () => void>>;
    readonly observe: Observe;
    /** How often the connection is asked whether it lives; a half-open one gives no error by itself. */
    readonly heartbeatMs?: number;
    /** How long such an answer may take. */
    readonly answerWithinMs?: number;
};

// CommonJS with its export under `default`, which an ESM import sees only wrapped.
const { default: createSubscriber } = createRequire(import.meta.url)('pg-listen') as {
    default: typeof CreateSubscriber.default;
};

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

/**
 * Makes the doorbell. States: `connecting → live → connecting …  → stopped`.
 *
 * pg-listen reconnects a connection that breaks, but gives up when the new one breaks while it subscribes again, and does
 * not retry the first connect. Either ends in an `error` event here, and the subscriber is replaced by a fresh one.
 */
export function createDoorbell(options: DoorbellOptions): Service {
    const { url, channels, observe, heartbeatMs = 10_000, answerWithinMs = 4000 } = options;
    const address = readDatabaseUrl(url);
    const pause = createPause();
    let current: Subscriber | undefined;
    let running: Promise<void> | undefined;
    let broken: () => void = () => undefined;

    function ringAll(): void {
        for (const ring of Object.values(channels)) {
            ring();
        }
    }

    function create(): Subscriber {
        const subscriber = createSubscriber(
            {
                connectionString: address.url,
                ssl: address.tls,
                application_name: 'tidings doorbell',
                keepAlive: true,
                connectionTimeoutMillis: answerWithinMs,
                query_timeout: answerWithinMs,
            },
            {
                paranoidChecking: heartbeatMs,
                retryTimeout: Number.POSITIVE_INFINITY,
                retryInterval: (attempt) =>
                    Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2),
                parse: (payload) => payload,
            },
        );
        subscriber.events.on('reconnect', () => observe({ type: 'doorbell.state', state: 'connecting' }));
        subscriber.events.on('connected', () => {
            observe({ type: 'doorbell.state', state: 'live' });
            ringAll();
        });
        subscriber.events.on('error', (error) => {
            observe({ type: 'doorbell.failed', error });
            broken();
        });
        for (const [channel, ring] of Object.entries(channels)) {
            subscriber.notifications.on(channel, () => {
                observe({ type: 'doorbell.rang', channel });
                ring();
            });
        }
        return subscriber;
    }

    /** Keeps one subscriber going until it breaks for good. */
    async function serve(subscriber: Subscriber): Promise<void> {
        const breaking = new Promise<void>((resolve) => {
            broken = resolve;
        });
        await subscriber.connect();
        await Promise.all(Object.keys(channels).map((channel) => subscriber.listenTo(channel)));
        ringAll();
        await breaking;
    }

    async function loop(): Promise<void> {
        for (let attempt = 0; !pause.ended; attempt += 1) {
            observe({ type: 'doorbell.state', state: 'connecting' });
            current = create();
            try {
                await serve(current);
                attempt = 0;
            } catch (error) {
                observe({ type: 'doorbell.failed', error });
            }
            void current.close().catch(() => undefined);
            await pause.wait(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2));
        }
        observe({ type: 'doorbell.state', state: 'stopped' });
    }

    return {
        name: 'doorbell',
        async start() {
            running ??= loop();
        },
        async stop() {
            pause.end();
            broken();
            await running;
        },
    };
}

/**
 * The composition root: configuration to services, in the order data flows. The only file that knows every stage.
 *
 * Lifecycle: embedded database (if any) → schema → mail catcher (if any) → pool → tail → sequencer → doorbell →
 * housekeeping → port → mailing. Stopped in reverse: no new work comes in, sockets are told to come back, then what they
 * lived on ends.
 */

import { createVerifier, signToken } from './auth/index.ts';
import type { Rate } from './config/values.ts';
import type { Config } from './config.ts';
import { exampleChores, exampleResources } from './example/index.ts';
import { createHub, createIntake, createReplay, Ring } from './fanout/index.ts';
import { createHttpServer, HTTP_DEFAULTS } from './http/index.ts';
import { createLogger } from './log.ts';
import { createUnsubscribe } from './mail/index.ts';
import type { Observe } from './observe.ts';
import { provideDatabase, provideMail, type Run } from './provisions.ts';
import {
    adminResource,
    createRest,
    RequestLimit,
    streamResource,
    topicEventsResource,
    unsubscribeResource,
} from './rest/index.ts';
import { engineChores } from './sequence/chores.ts';
import { createHousekeeping } from './sequence/housekeeping.ts';
import { createSequencerPort } from './sequence/port.ts';
import { createSequencer } from './sequence/runner.ts';
import type { Service } from './service.ts';
import { createAudience, createEventStreams, createPolls, createSessions, SOCKET_DEFAULTS } from './socket/index.ts';
import { createFillInbox, fillingLog } from './store/inbox-frames.ts';
import { createPool, SERVER_POOL } from './store/pool.ts';
import { readSecret } from './store/read-secret.ts';
import { createRequestCounter } from './store/request-counter.ts';
import { createTopicLog } from './store/topic-log.ts';
import { createDoorbell } from './tail/doorbell.ts';
import { createStreamPort } from './tail/stream-port.ts';
import { createTail } from './tail/tail.ts';
import { createMailing } from './worker/index.ts';

/** A server that runs. */
export type Server = {
    readonly url: string;
    readonly databaseUrl: string;
    /** Where mail can be read that is caught instead of sent, null if it is sent. */
    readonly caughtMailUrl: string | null;
    /** Resolves when everything has ended; may be called twice. */
    stop(): Promise<void>;
};

/** Without LISTEN nobody rings, so both loops look this often. */
const POLL_MS = 50;
/** How often a standby is asked. */
const STANDBY_POLL_MS = 20;
const LOG_POOL_SIZE = 4;
/** A read of the log that takes so long is asked on another connection too. */
const PATIENCE_MS = 2_000;
const DEV_TOKEN_TTL_MS = 24 * 3_600_000;

/**
 * Starts a server.
 *
 * @throws TidingsError if the database can't be reached, its schema is not ours, or the port is taken; nothing is left
 * running then.
 */
export async function startServer(
    config: Config,
    observe: Observe = createLogger({ level: config.logLevel }),
): Promise<Server> {
    const startedMs = performance.now();
    const running: Service[] = [];
    let stopping: Promise<void> | undefined;

    async function run<S extends Service>(service: S): Promise<S> {
        running.push(service);
        await service.start();
        return service;
    }

    async function stopAll(): Promise<void> {
        observe({ type: 'server.stopping', reason: 'asked' });
        const stoppedMs = performance.now();
        for (const service of running.reverse()) {
            try {
                await service.stop();
            } catch (error) {
                observe({ type: 'service.failed', service: service.name, error });
            }
        }
        observe({ type: 'server.stopped', tookMs: performance.now() - stoppedMs });
    }

    const stop = () => (stopping ??= stopAll());
    try {
        const { databaseUrl, jwtSecret } = await provideDatabase(config, run, observe);
        const { smtpUrl, caughtMailUrl } = await provideMail(config, run, observe);
        const url = await assemble({ config, databaseUrl, jwtSecret, smtpUrl, run, observe });
        observe({ type: 'server.started', url, tookMs: performance.now() - startedMs });
        return { url, databaseUrl, caughtMailUrl, stop };
    } catch (error) {
        await stop();
        throw error;
    }
}

/** Requests are counted by all servers of a database together. */
async function startLimit(
    rate: Rate,
    { databaseUrl, run, observe }: { readonly databaseUrl: string; readonly run: Run; readonly observe: Observe },
): Promise<RequestLimit> {
    const counter = await run(createRequestCounter(databaseUrl, rate, observe));
    return new RequestLimit({ rate, count: counter.count, nowMs: () => performance.now() });
}

/** A standby can't be listened to, and a ring of the primary's comes before the standby has what was rung for. */
function tailPace(config: Config): { readonly fallbackMs?: number } {
    if (config.streamDatabaseUrl !== null) return { fallbackMs: STANDBY_POLL_MS };
    return config.listen ? {} : { fallbackMs: POLL_MS };
}

type Parts = {
    readonly config: Config;
    readonly databaseUrl: string;
    readonly jwtSecret: string | null;
    /** For the mailer. */
    readonly smtpUrl: string | null;
    readonly run: Run;
    readonly observe: Observe;
};

/** Links the stages and starts them; answers the URL they listen on. */
async function assemble({ config, databaseUrl, jwtSecret, smtpUrl, run, observe }: Parts): Promise<string> {
    const sql = createPool(databaseUrl, { ...SERVER_POOL, observe, name: 'tidings server', max: config.poolSize });
    await run({ name: 'pool', start: async () => void (await sql`select 1`), stop: sql.end });
    // Apart, so that no amount of REST can keep a subscription waiting.
    const logPool = createPool(databaseUrl, {
        ...SERVER_POOL,
        observe,
        name: 'tidings log',
        max: LOG_POOL_SIZE,
        patienceMs: PATIENCE_MS,
        overLog: true,
    });
    await run({ name: 'log pool', start: async () => undefined, stop: logPool.end });

    const claims = { issuer: config.jwtIssuer, audience: config.jwtAudience };
    const verifier = createVerifier({ secret: jwtSecret, jwksUrl: config.jwksUrl, ...claims }, { observe });
    const fill = createFillInbox(logPool);
    const log = fillingLog(createTopicLog(logPool), fill);
    const ring = new Ring();
    const replay = createReplay({ ring, log, observe });
    const audience = createAudience(await readSecret(sql, 'pseudonym'));
    const hub = createHub(
        {
            onAccess: audience.accessChanged,
            onDisconnect: audience.disconnect,
            onForgotten: replay.clear,
            userBehind: audience.userBehind,
        },
        ring,
    );
    const settings = { ...SOCKET_DEFAULTS, ...config, lagWaitMs: config.streamDatabaseUrl === null ? 0 : 5000 };
    const sessions = createSessions({ hub, audience, log, replay, verifier, observe, settings });

    const intake = createIntake({ hub, fill, observe });
    const stream = createStreamPort(config.streamDatabaseUrl ?? databaseUrl, observe);
    const tail = createTail({
        ...stream,
        observe,
        onBatch: intake.take,
        onEpoch: () => {
            intake.clear();
            replay.clear();
            audience.epochChanged();
        },
        ...tailPace(config),
    });
    const housekeeping = createHousekeeping({
        sql,
        observe,
        chores: [...engineChores(config), ...(config.example ? exampleChores : [])],
    });
    const sequencer = createSequencer({
        port: createSequencerPort(databaseUrl, observe),
        intervalMs: config.sequenceIntervalMs,
        idleMs: config.listen ? undefined : POLL_MS,
        observe,
        onNumbered: () => {
            tail.wake();
            housekeeping.numbered();
        },
        ...(config.streamDatabaseUrl === null ? {} : { onHead: tail.primaryAt }),
    });
    await run(tail);
    // Stopped before the tail, which may be waiting for it.
    await run(intake);
    await run(sequencer);
    if (config.listen) {
        await run(
            createDoorbell({
                url: databaseUrl,
                channels: { tidings_wake: sequencer.ring, tidings_stream: tail.wake },
                observe,
            }),
        );
    }
    await run(housekeeping);

    const mailSecret = await readSecret(sql, 'mail');
    const limit = config.restRate === null ? null : await startLimit(config.restRate, { databaseUrl, run, observe });
    const rest = createRest({
        sql,
        verifier,
        observe,
        settings: {
            corsOrigins: config.corsOrigins,
            limit,
            cursorKey: await readSecret(sql, 'cursor'),
            signer:
                config.devLogin && jwtSecret !== null && config.jwksUrl === null
                    ? (userId) => signToken(jwtSecret, userId, DEV_TOKEN_TTL_MS, claims)
                    : undefined,
        },
        checks: [
            { name: 'database', check: async () => void (await sql`select 1`) },
            { name: 'sequencer', check: sequencer.check },
            { name: 'tail', check: tail.check },
        ],
        resources: [
            streamResource(createEventStreams({ sessions })),
            topicEventsResource(createPolls({ sessions })),
            unsubscribeResource({ verify: createUnsubscribe(mailSecret).verify, settingsUrl: config.publicUrl }),
            ...(config.adminToken === null ? [] : [adminResource(config.adminToken)]),
            ...(config.example ? exampleResources : []),
        ],
    });
    const http = createHttpServer({
        fetch: rest.fetch,
        sessions,
        observe,
        settings: { ...HTTP_DEFAULTS, ...config, heartbeatMs: SOCKET_DEFAULTS.heartbeatMs },
    });
    await run(http);
    if (smtpUrl !== null) {
        // Last, as mails link to where the port is if no public address is named.
        await run(createMailing({ config, sql, databaseUrl, smtpUrl, url: http.url(), secret: mailSecret, observe }));
    }
    return http.url();
}

/** The worker's two halves as a process of its own: claims and sends all that is due when told to, and reports what it took. */

import { createMailer, createSendMail, createUnsubscribe, createWriteMail, readSender } from '../src/mail/index.ts';
import { type Database, SERVER_ROLE } from '../src/store/connect.ts';
import { createPool } from '../src/store/pool.ts';
import { createDigests } from '../src/worker/digests.ts';

export type WorkerOrders = { readonly databaseUrl: string; readonly smtpUrl: string };

type Calls = { readonly calls: number; readonly ms: number };

/** Times in ms. Statements are those sent; what waits for them waits several at a time, and so may add up to more than it took. */
export type WorkerReport = {
    readonly claimed: number;
    readonly claimMs: number;
    readonly delivered: number;
    readonly deliverMs: number;
    /** Of all mails: from the writing of a mail to the server's answer, without the time its hand-over took. */
    readonly sendMs: number;
    /** By function. */
    readonly statements: Readonly<Record<string, Calls>>;
    /** Resident memory in MB: before, after, and at most. */
    readonly rssMb: readonly [before: number, after: number, peak: number];
};

const CONNECTIONS = 5;
const DEADLINE_MS = 60_000;
const URL = 'https://tidings.example';

process.once('message', async ({ databaseUrl, smtpUrl }: WorkerOrders) => {
    const statements: Record<string, Calls> = {};
    const pool = createPool(databaseUrl, { name: 'bench', role: SERVER_ROLE, max: 10, deadlineMs: DEADLINE_MS });
    const counted: Database = async (template, ...parameters) => {
        const name = /tidings\.(\w+)\(/.exec(template.join(''))?.[1] ?? 'other';
        const startedMs = performance.now();
        const rows = await pool(template, ...parameters);
        const { calls, ms } = statements[name] ?? { calls: 0, ms: 0 };
        statements[name] = { calls: calls + 1, ms: ms + performance.now() - startedMs };
        return rows as never;
    };
    const mailer = createMailer({ url: smtpUrl, maxConnections: CONNECTIONS });
    const write = createWriteMail({
        sender: readSender('Tidings <tidings@tidings.example>'),
        publicUrl: URL,
        unsubscribe: createUnsubscribe(Buffer.alloc(32)),
        dkim: null,
    });
    const send = createSendMail(write, mailer);
    let sendMs = 0;
    const digests = createDigests({
        sql: counted,
        observe: (observation) => {
            if (observation.type === 'service.failed') console.error(observation.error);
        },
        defaults: { cadence: 'daily', timeZone: 'UTC', hour: 8, weekday: 1, instantDelayMs: 10_000 },
        concurrency: CONNECTIONS,
        send: async (content, begin) => {
            let beginMs = 0;
            const startedMs = performance.now();
            const sent = await send(content, async () => {
                const askedMs = performance.now();
                const mine = await begin();
                beginMs += performance.now() - askedMs;
                return mine;
            });
            sendMs += performance.now() - startedMs - beginMs;
            return sent;
        },
    });
    await pool`select 1`;
    const before = process.memoryUsage.rss() / 2 ** 20;
    const startedMs = performance.now();
    const claimed = await digests.claim(['hourly', 'daily', 'weekly']);
    const claimedMs = performance.now();
    const delivered = await digests.deliver();
    const deliveredMs = performance.now();
    process.send?.({
        claimed,
        claimMs: claimedMs - startedMs,
        delivered,
        deliverMs: deliveredMs - claimedMs,
        sendMs,
        statements,
        rssMb: [before, process.memoryUsage.rss() / 2 ** 20, process.resourceUsage().maxRSS / 1024],
    } satisfies WorkerReport);
    await mailer.close();
    await pool.end();
    process.disconnect();
});

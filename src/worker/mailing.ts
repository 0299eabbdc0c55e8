/** Mailing put together from the configuration: what writes mails, what sends them, and the service that does so by itself. */

import type { Config } from '../config.ts';
import {
    createMailer,
    createSendMail,
    createUnsubscribe,
    createWriteMail,
    readDkim,
    readSender,
} from '../mail/index.ts';
import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import type { Pool } from '../store/pool.ts';
import { createDigests, type Digests } from './digests.ts';
import { type Preview, previewMail } from './preview.ts';
import { createWorker } from './worker.ts';

export type MailingParts = {
    readonly config: Config;
    readonly sql: Pool;
    readonly databaseUrl: string;
    readonly smtpUrl: string;
    /** Where links lead if `PUBLIC_URL` is unset. */
    readonly url: string;
    /** What signs the links to unsubscribe: `tidings.secret` `mail`. */
    readonly secret: Uint8Array;
    readonly observe: Observe;
    /** The clock; a simulation has its own. Unset: the database's. */
    readonly now?: () => Date;
};

/** As a service it claims and sends what is due. */
export type Mailing = Service & {
    readonly digests: Digests;
    /** The mail a person would be sent now. */
    preview(userId: string): Promise<Preview>;
};

/** What is on its way when it is stopped has so long: a silent mail server is not worth a slow restart. */
const STOP_GRACE_MS = 1200;
/** Whom mail is from that is only caught. */
const CAUGHT_FROM = 'Tidings <tidings@localhost>';

/**
 * Makes it; nothing is connected before it is started, or something is sent.
 *
 * @throws TidingsError `misused` if the sender or the DKIM key is none
 */
export function createMailing(parts: MailingParts): Mailing {
    const { config, sql, databaseUrl, smtpUrl, url, secret, observe, now } = parts;
    const clock = now === undefined ? {} : { now };
    const write = createWriteMail({
        sender: readSender(config.mailFrom ?? CAUGHT_FROM),
        publicUrl: config.publicUrl ?? url,
        unsubscribe: createUnsubscribe(secret),
        dkim: dkimOf(config),
        ...clock,
    });
    const defaults = {
        cadence: config.digestCadence,
        timeZone: config.digestTimeZone,
        hour: config.digestHour,
        weekday: config.digestWeekday,
        instantDelayMs: config.instantMailDelayMs,
    };
    const mailer = createMailer({ url: smtpUrl, maxConnections: config.mailConnections });
    const digests = createDigests({
        sql,
        observe,
        defaults,
        send: createSendMail(write, mailer),
        concurrency: config.mailConnections,
        ...clock,
    });
    const worker = createWorker({
        databaseUrl,
        observe,
        digests,
        everyMinutes: config.digestEveryMinutes,
        instantEveryMs: config.instantMailIntervalMs,
    });
    return {
        name: 'mailing',
        start: worker.start,
        async stop() {
            // At once, as the worker waits for what is on its way.
            await Promise.all([worker.stop(), mailer.close(STOP_GRACE_MS)]);
        },
        digests,
        preview: (userId) => previewMail(sql, userId, { write, defaults }),
    };
}

function dkimOf({ mailDkimDomain: domain, mailDkimSelector: selector, mailDkimKey: privateKey }: Config) {
    if (domain === null || selector === null || privateKey === null) return null;
    return readDkim({ domain, selector, privateKey });
}

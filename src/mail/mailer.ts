/**
 * Sends messages over a few SMTP connections that are kept open.
 *
 * Nothing is sent twice: nodemailer may take up again a mail whose connection was closed before a byte of it was read, and
 * the gate refuses any other second attempt. How a try ended is told by the gate and by the server's answer, never by
 * what kind of error a connection died of.
 */

import { createTransport } from 'nodemailer';
import { type Begin, createGate, type Gate } from './gate.ts';
import { buildMessage, type MailMessage } from './message.ts';
import { outcomeOf, type SendOutcome } from './outcome.ts';

export type MailerOptions = {
    /** `smtp://` (STARTTLS if it is offered, always with `?requireTLS=true`) or `smtps://`, with user and password. */
    readonly url: string;
    readonly maxConnections?: number;
    /** Until the server has greeted us. */
    readonly connectTimeoutMs?: number;
    /** The longest silence, also before the answer to a whole mail. */
    readonly answerTimeoutMs?: number;
    /** The longest a mail may take altogether, with waiting for a connection. */
    readonly deadlineMs?: number;
};

export type Mailer = {
    /** Sends one message. Never rejects. `begin` is asked before what may make it accepted; without it, it may go out. */
    send(message: MailMessage, begin?: Begin): Promise<SendOutcome>;
    /** Takes no more; resolves when what is on its way has ended: cut off after `graceMs`, if that is given. */
    close(graceMs?: number): Promise<void>;
};

const CLOSE_TIMEOUT_MS = 2000;
// Less than any server's patience, so that it is us who close.
const IDLE_MS = 60_000;
const REQUEUES = 2;

export function createMailer(options: MailerOptions): Mailer {
    const {
        url,
        maxConnections = 5,
        connectTimeoutMs = 10_000,
        answerTimeoutMs = 120_000,
        deadlineMs = 240_000,
    } = options;
    const gates = new WeakMap<object, Gate>();
    const sending = new Set<Promise<SendOutcome>>();
    const transport = createTransport({
        pool: true,
        url,
        maxConnections,
        connectionTimeout: connectTimeoutMs,
        greetingTimeout: connectTimeoutMs,
        dnsTimeout: connectTimeoutMs,
        socketTimeout: answerTimeoutMs,
        socketCloseTimeout: CLOSE_TIMEOUT_MS,
        idleTimeout: IDLE_MS,
        maxRequeues: REQUEUES,
        disableFileAccess: true,
        disableUrlAccess: true,
    });
    transport.use('stream', (mail, done) => {
        const gate = gates.get(mail.data.raw as Buffer);
        if (gate !== undefined) mail.message.processFunc((input) => gate.over(input));
        done();
    });

    async function attempt(message: MailMessage, begin: Begin): Promise<SendOutcome> {
        const raw = await buildMessage(message);
        const gate = createGate(begin);
        gates.set(raw, gate);
        const envelope = { from: message.from.address, to: [message.to.address], size: raw.length };
        const signal = AbortSignal.timeout(deadlineMs);
        try {
            const { response } = await transport.sendMail({ raw, envelope, signal });
            return { type: 'sent', response };
        } catch (error) {
            const state = await gate.shut();
            if (state === 'withdrawn') return { type: 'withdrawn' };
            return outcomeOf(signal.aborted ? late(deadlineMs, error) : error, state === 'open');
        }
    }

    return {
        async send(message, begin = async () => true) {
            const outcome = attempt(message, begin).catch((error: unknown) => outcomeOf(error, false));
            sending.add(outcome);
            try {
                return await outcome;
            } finally {
                sending.delete(outcome);
            }
        },
        async close(graceMs) {
            transport.close();
            const cut = () => transport.close({ force: true });
            const timer = graceMs === undefined ? undefined : setTimeout(cut, graceMs);
            await Promise.all(sending);
            clearTimeout(timer);
        },
    };
}

function late(deadlineMs: number, cause: unknown): Error {
    return new Error(`expected an answer within ${deadlineMs} ms, got none`, { cause });
}

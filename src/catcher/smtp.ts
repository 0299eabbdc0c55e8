/** The SMTP port: takes mail from anyone on this machine for anybody, without password or TLS. */

import type { Socket } from 'node:net';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import type { Service } from '../service.ts';
import { listenNear } from './listen.ts';
import { MAX_MAIL_BYTES, type Mailbox } from './mailbox.ts';

/** What the port is given. */
export type SmtpPortOptions = {
    readonly mailbox: Mailbox;
    readonly host: string;
    readonly port: number;
    readonly observe: Observe;
};

/** Clients at one time; the next is told to try again. */
const MAX_CLIENTS = 50;
const IDLE_MS = 60_000;
/** How long a stop waits for mail under way. */
const DRAIN_MS = 1000;

/** The port; `url` is there once it has started. */
export function createSmtpPort({ mailbox, host, port, observe }: SmtpPortOptions): Service & { url(): string } {
    let running: { readonly smtp: SMTPServer; readonly sockets: Set<Socket>; readonly port: number } | null = null;

    async function take(stream: SMTPServerDataStream): Promise<string> {
        const startedMs = performance.now();
        const { id, bytes } = await mailbox.receive(stream.iterator({ destroyOnReturn: false }));
        observe({ type: 'mail.caught', bytes, tookMs: performance.now() - startedMs });
        return `kept as ${id}`;
    }

    /** The answer to a mail that was not kept. One that broke off is the sender's affair, and nobody hears it. */
    function refusal(error: unknown, stream: SMTPServerDataStream): Error {
        if (error instanceof TidingsError) return Object.assign(error, { responseCode: 552 });
        if (stream.errored === null) observe({ type: 'handler.failed', where: 'mail catcher', error });
        return Object.assign(new Error('expected to keep the mail, got a failure on our side'), { responseCode: 451 });
    }

    async function start(): Promise<void> {
        const smtp = new SMTPServer({
            banner: 'Tidings catches mail, and sends none on',
            disabledCommands: ['AUTH', 'STARTTLS'],
            disableReverseLookup: true,
            size: MAX_MAIL_BYTES,
            maxClients: MAX_CLIENTS,
            socketTimeout: IDLE_MS,
            closeTimeout: DRAIN_MS,
            logger: false,
            onData(stream, _session, callback) {
                take(stream).then(
                    (answer) => callback(null, answer),
                    (error: unknown) => callback(refusal(error, stream)),
                );
            },
        });
        // Of clients that broke off; what fails here is told by `listenNear` or `refusal`.
        smtp.on('error', () => undefined);
        const sockets = new Set<Socket>();
        smtp.server.on('connection', (socket) => {
            sockets.add(socket);
            socket.once('close', () => sockets.delete(socket));
        });
        running = { smtp, sockets, port: await listenNear(smtp.server, host, port) };
    }

    async function stop(): Promise<void> {
        const { smtp, sockets } = running ?? {};
        running = null;
        await new Promise<void>((resolve) => (smtp === undefined ? resolve() : smtp.close(resolve)));
        for (const socket of sockets ?? []) socket.destroy();
    }

    function url(): string {
        if (running === null) throw new TypeError('expected the mail catcher to have been started, got a stopped one');
        return `smtp://${host}:${running.port}`;
    }

    return { name: 'mail catcher SMTP', start, stop, url };
}

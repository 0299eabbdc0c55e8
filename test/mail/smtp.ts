/** A real SMTP server in this process that can be told to misbehave at each step. */

import type { AddressInfo, Socket } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/**
 * What it is to do; by default it takes everything. An SMTP code is answered as that error, `cut` cuts the connection,
 * `hang` says nothing, and a function is waited for: then it is taken.
 */
export type Behaviour = number | `${number} ${string}` | 'cut' | 'hang' | 'accept' | (() => Promise<unknown>);

export type SmtpBehaviour = {
    readonly connect?: Behaviour;
    readonly auth?: Behaviour;
    readonly from?: Behaviour;
    readonly rcpt?: Behaviour;
    /** When the first bytes of the data came. */
    readonly midway?: 'cut' | (() => unknown);
    /** When all data came, end and all. */
    readonly data?: Behaviour;
};

export type Smtp = {
    readonly url: string;
    /** What arrived and was accepted or cut off after its end, as it came. */
    readonly arrived: string[];
    readonly recipients: string[];
    /** Connections so far. */
    readonly connections: () => number;
    /** How it behaves from now on. */
    behave(behaviour: SmtpBehaviour): void;
    /** Cuts all connections. */
    cut(): void;
    mail(): Promise<ParsedMail>;
    close(): Promise<void>;
};

/** Starts it on a free port, or on one it has had before. */
export async function startSmtp(options: SMTPServerOptions = {}, onPort = 0): Promise<Smtp> {
    const arrived: string[] = [];
    const recipients: string[] = [];
    const sockets = new Set<Socket>();
    let count = 0;
    let behaviour: SmtpBehaviour = {};

    const cut = () => {
        for (const socket of sockets) socket.destroy();
    };
    function act(what: Behaviour | undefined, callback: (error?: Error | null) => void): void {
        if (what === 'hang') return;
        if (what === 'cut') {
            cut();
            return;
        }
        if (typeof what === 'function') {
            void what().then(() => callback(), callback);
            return;
        }
        if (what === undefined || what === 'accept') {
            callback();
            return;
        }
        const [code, ...text] = String(what).split(' ');
        callback(Object.assign(new Error(text.join(' ') || 'as told'), { responseCode: Number(code) }));
    }

    const server = new SMTPServer({
        authOptional: true,
        disableReverseLookup: true,
        disabledCommands: ['STARTTLS'],
        logger: false,
        closeTimeout: 200,
        onConnect: (_, callback) => act(behaviour.connect, callback),
        onAuth: (auth, _, callback) =>
            act(behaviour.auth, (error) => (error ? callback(error) : callback(null, { user: auth.username }))),
        onMailFrom: (_, __, callback) => act(behaviour.from, callback),
        onRcptTo: ({ address }, _, callback) => {
            recipients.push(address);
            act(behaviour.rcpt, callback);
        },
        onData: (stream, _, callback) => {
            const chunks: Buffer[] = [];
            stream.on('data', (chunk: Buffer) => {
                chunks.push(chunk);
                if (behaviour.midway === 'cut') cut();
                else behaviour.midway?.();
            });
            stream.on('end', () => {
                arrived.push(Buffer.concat(chunks).toString('latin1'));
                act(behaviour.data, callback);
            });
        },
        ...options,
    });
    server.on('error', () => undefined);
    server.server.on('connection', (socket: Socket) => {
        count += 1;
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((done) => server.listen(onPort, '127.0.0.1', done));
    const { port } = server.server.address() as AddressInfo;
    return {
        url: `smtp://127.0.0.1:${port}`,
        arrived,
        recipients,
        connections: () => count,
        behave: (next) => {
            behaviour = next;
        },
        cut,
        mail: () => simpleParser(Buffer.from(arrived.at(-1) ?? '', 'latin1')),
        async close() {
            cut();
            await new Promise<void>((done) => server.close(() => done()));
        },
    };
}

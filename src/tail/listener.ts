/** One LISTEN connection: opened, asked now and then whether it still listens, and over at the first doubt. */

import { Socket } from 'node:net';
import { Client } from 'pg';
import { readDatabaseUrl } from '../database-url.ts';
import { SERVER_TCP } from '../store/connect.ts';

/** Where and on what to listen, and how patient to be. */
export type ListenerOptions = {
    readonly url: string;
    readonly channels: readonly string[];
    /** How often the connection is asked whether it lives; a half-open one gives no error by itself. */
    readonly heartbeatMs: number;
    /** How long any answer may take. */
    readonly answerWithinMs: number;
    readonly onRing: (channel: string) => void;
};

/** A listener: `connecting → hearing → ended`. */
export type Listener = {
    /** Resolves when it hears; rejects if it can't in time. */
    readonly ready: Promise<void>;
    /** Resolves with why it hears no more. */
    readonly ended: Promise<Error>;
    /** Hangs up at once, whatever the network does. */
    close(): void;
};

/**
 * What the server does with a listener that takes nothing: unread notifications fill a queue all of the cluster shares,
 * and when that is full every NOTIFY fails. The last is for one that is frozen while there is nothing to send to it.
 */
const SERVER_SETTINGS = {
    ...SERVER_TCP,
    idle_in_transaction_session_timeout: 5_000,
    idle_session_timeout: 60_000,
};

/** Connects and listens. */
export function openListener(options: ListenerOptions): Listener {
    const { url, channels, heartbeatMs, answerWithinMs, onRing } = options;
    const address = readDatabaseUrl(url);
    const socket = new Socket();
    const client = new Client({
        connectionString: address.url,
        ssl: address.tls,
        application_name: 'tidings doorbell',
        options: Object.entries(SERVER_SETTINGS)
            .map(([name, value]) => `-c ${name}=${value}`)
            .join(' '),
        connectionTimeoutMillis: answerWithinMs,
        query_timeout: answerWithinMs,
        stream: () => socket,
    });
    let heartbeat: NodeJS.Timeout | undefined;
    let finish: (why: Error) => void = () => undefined;
    const ended = new Promise<Error>((resolve) => {
        finish = resolve;
    });

    function close(): void {
        clearInterval(heartbeat);
        // A goodbye would wait for an answer, which a half-open connection never gives.
        socket.destroy();
        finish(new Error('expected the listener to be wanted, got its end'));
    }

    async function check(): Promise<void> {
        const { rows } = await client.query('select pg_catalog.pg_listening_channels() as channel');
        const heard = rows.map((row: { readonly channel: string }) => row.channel);
        const deaf = channels.filter((channel) => !heard.includes(channel));
        if (deaf.length > 0)
            throw new Error(`expected the session to listen on ${deaf.join(', ')}, got no such channel`);
    }

    async function listen(): Promise<void> {
        try {
            await client.connect();
            await client.query(channels.map((channel) => `listen ${client.escapeIdentifier(channel)}`).join('; '));
        } catch (error) {
            close();
            throw error;
        }
        if (!socket.destroyed) heartbeat = setInterval(() => void check().catch(finish), heartbeatMs);
    }

    client.on('error', finish);
    client.on('end', () => finish(new Error('expected the connection to stay open, got its end')));
    client.on('notification', ({ channel }) => onRing(channel));
    void ended.then(close);
    return { ready: listen(), ended, close };
}

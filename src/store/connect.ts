/** Connections to PostgreSQL: one place for how they are named, which role they take and how long they may hang. */

import postgres from 'postgres';
import { readDatabaseUrl } from '../database-url.ts';
import type { Observe } from '../observe.ts';
import type { Dialler } from './dialler.ts';

/** A pool of the driver's, or a pool of one. */
export type Driver = postgres.Sql;

/** Where a single statement can be asked: a template tag. */
export type Database = <T extends readonly (object | undefined)[] = postgres.Row[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
) => Promise<postgres.RowList<T>>;

/** What one pool is for. */
export type ConnectionOptions = {
    /** Shown in `pg_stat_activity`. */
    readonly name: string;
    readonly max: number;
    /** Role taken at connect; unset: the login's own. */
    readonly role?: string;
    /** Server-side limits, in milliseconds. */
    readonly statementTimeoutMs?: number;
    readonly lockTimeoutMs?: number;
    /** A session that asks nothing for so long is ended by the server, and with it what it holds. */
    readonly idleTimeoutMs?: number;
    /**
     * For the few static queries over every day of the log: plan once, because planning over the partitions takes longer
     * than running, and by index, because statistics lie about a day that has just begun.
     */
    readonly overLog?: boolean;
    readonly observe?: Observe;
    /** For a pool of one: opens its connection. */
    readonly dialler?: Dialler;
    /** Called whenever a connection has closed. */
    readonly onClose?: () => void;
};

/** The role the server's queries run as; `can_read` therefore never has more rights than it. */
export const SERVER_ROLE = 'tidings_server';

/** How soon the server ends the session of a client that is gone without a word, and with it the locks it holds. */
export const SERVER_TCP = {
    tcp_user_timeout: 15_000,
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 3,
    tcp_keepalives_count: 2,
} as const;

/**
 * Opens a pool. Nothing is connected until the first query; lost connections are opened again by themselves.
 *
 * READ COMMITTED is pinned, as `tidings.sequence()` needs it whatever the database's default is.
 */
export function connect(url: string, options: ConnectionOptions): Driver {
    const address = readDatabaseUrl(url);
    const { dialler, onClose } = options;
    return postgres(address.url, {
        ssl: address.tls,
        max: options.max,
        max_lifetime: null,
        // The driver asks for array types at every connect and lets the question's failure end the process; arrays are
        // passed as JSON instead.
        fetch_types: false,
        connect_timeout: 5,
        keep_alive: 15,
        backoff: (attempt) => Math.min(2, 0.05 * 2 ** attempt) * (0.5 + Math.random() / 2),
        onnotice: (notice) => {
            const severity = notice['severity'];
            if (severity === 'WARNING') {
                options.observe?.({ type: 'database.notice', message: String(notice['message']) });
            }
        },
        connection: {
            application_name: options.name,
            default_transaction_isolation: 'read committed',
            idle_in_transaction_session_timeout: 20_000,
            ...SERVER_TCP,
            TimeZone: 'UTC',
            // Compiling takes longer than anything asked here.
            jit: false,
            ...(options.overLog ? { plan_cache_mode: 'force_generic_plan', enable_seqscan: false } : {}),
            ...(options.role === undefined ? {} : { role: options.role }),
            ...(options.statementTimeoutMs === undefined ? {} : { statement_timeout: options.statementTimeoutMs }),
            ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: options.lockTimeoutMs }),
            ...(options.idleTimeoutMs === undefined ? {} : { idle_session_timeout: options.idleTimeoutMs }),
        },
        // The driver knows this option, its types do not.
        ...(dialler === undefined ? {} : { socket: dialler.dial }),
        ...(onClose === undefined ? {} : { onclose: onClose }),
    });
}

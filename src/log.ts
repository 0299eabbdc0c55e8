/** The logger: consumes observations, one JSON line each, on a level chosen per type. Never a token, never a password. */

import pino, { type DestinationStream, type Level } from 'pino';
import { messageOf } from './errors.ts';
import type { Observation, Observe } from './observe.ts';

/** `level` as in `LOG_LEVEL`; `destination` is stderr unless told, so that stdout stays for what was asked for. */
export type LoggerOptions = { readonly level: Level | 'silent'; readonly destination?: DestinationStream };

/** What is worth a line at which level. Those at trace happen on every event's way. */
const LEVELS: Readonly<Record<Observation['type'], Level>> = {
    'server.started': 'info',
    'server.stopping': 'info',
    'server.stopped': 'info',
    'service.failed': 'error',
    'sequencer.ran': 'trace',
    'sequencer.state': 'debug',
    'sequencer.failed': 'warn',
    'tail.read': 'trace',
    'tail.failed': 'warn',
    'tail.lag': 'debug',
    'tail.epoch': 'warn',
    'doorbell.state': 'debug',
    'doorbell.rang': 'trace',
    'doorbell.failed': 'warn',
    'socket.opened': 'debug',
    'socket.closed': 'debug',
    'socket.refused': 'info',
    'socket.slow': 'debug',
    'socket.dropped': 'debug',
    'auth.failed': 'info',
    'replay.read': 'debug',
    'subscription.reset': 'info',
    'subscription.revoked': 'debug',
    'poll.waiting': 'debug',
    'handler.failed': 'error',
    'http.answered': 'debug',
    'socket.limited': 'warn',
    'request.limited': 'debug',
    'mail.claimed': 'debug',
    'mail.ended': 'info',
    'database.silent': 'warn',
    'database.notice': 'warn',
    'mail.caught': 'debug',
    'migration.applied': 'debug',
};

const TOKENS = /eyJ[\w-]+(?:\.[\w-]*){1,4}/g;
const TOKEN_PARAMETERS = /([?&]token=)[^&\s"']+/g;
const PASSWORDS = /(\w:\/\/[^\s:/@]*:)[^\s@/]+@/g;

/** Makes the consumer. Lines are written at once, so that none is lost at exit; a level that is off costs a comparison. */
export function createLogger({ level, destination }: LoggerOptions): Observe {
    const logger = pino(
        { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'type' },
        destination ?? pino.destination({ dest: 2, sync: true }),
    );
    return ({ type, ...fields }) => {
        const lineLevel = LEVELS[type];
        if (!logger.isLevelEnabled(lineLevel)) return;
        logger[lineLevel](clean(fields), type);
    };
}

/** Text without the tokens and passwords that stand in it. */
export function redact(text: string): string {
    return text.replace(TOKENS, '[token]').replace(TOKEN_PARAMETERS, '$1[token]').replace(PASSWORDS, '$1[password]@');
}

function clean(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const entries = Object.entries(fields).map(([name, value]) => [name, cleanValue(name, value)]);
    return Object.fromEntries(entries);
}

function cleanValue(name: string, value: unknown): unknown {
    if (name === 'error' || value instanceof Error) return describeError(value);
    return typeof value === 'string' ? redact(value) : value;
}

/** Chosen fields only: errors of libraries carry queries and their parameters. */
function describeError(error: unknown): Record<string, unknown> {
    const code = error instanceof Error && 'code' in error ? { code: error.code } : {};
    const stack = error instanceof Error && error.stack !== undefined ? { stack: redact(error.stack) } : {};
    return { message: redact(messageOf(error)), ...code, ...stack };
}

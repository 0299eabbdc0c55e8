/** The logger: consumes observations, one JSON line each, on a level chosen per type. Never a token, never a password. */

import pino, { type DestinationStream, type Level } from 'pino';
import { Bursts } from './bursts.ts';
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
    'request.limited': 'info',
    'mail.claimed': 'debug',
    'mail.ended': 'info',
    'database.silent': 'warn',
    'database.notice': 'warn',
    'mail.caught': 'debug',
    'migration.applied': 'debug',
};

/** What anybody can cause; at debug, every one of them has its line. */
const BY_STRANGERS = new Set<Observation['type']>([
    'socket.refused',
    'socket.limited',
    'auth.failed',
    'request.limited',
]);
const BURST_SPAN_MS = 10_000;

/** What begins like JSON in base64url and has the parts of a token; the dots may be percent-encoded, and that again. */
const TOKENS = /e(?:y[A-DI-L]|w[k-r0-3])[\w-]{8,}(?:(?:\.|%(?:25)*2[eE])[\w-]*){1,4}/g;
/** Whatever stands where a token belongs, also if it is none of ours. */
const TOKEN_PARAMETERS = /((?:[?&]|%(?:25)*(?:3f|26))(?:access_|id_)?token(?:=|%(?:25)*3d))[^&\s"'<>]+/gi;
const TOKEN_FIELDS = /(\\*"token\\*"\s*:\s*\\*")[^"\\]+/gi;
const BEARERS = /(\bbearer(?:\s+|\.|%20))[\w.~+/=%-]{16,}/gi;
const PASSWORDS = /(\w:\/\/[^\s:/@]*:)[^\s@/]+@/g;

/**
 * Makes the consumer. Lines are written at once, so that none is lost at exit, but for what strangers repeat, which is told
 * together; a level that is off costs a comparison.
 */
export function createLogger({ level, destination }: LoggerOptions): Observe {
    const logger = pino(
        { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'type' },
        destination ?? pino.destination({ dest: 2, sync: true }),
    );
    const bursts = new Bursts<Observation>({
        spanMs: BURST_SPAN_MS,
        after: (delayMs, run) => void setTimeout(run, delayMs).unref(),
        tell: (latest, repeated) => write(latest, { repeated, withinMs: BURST_SPAN_MS }),
    });
    const keepsAll = logger.isLevelEnabled('debug');

    function write({ type, ...fields }: Observation, more: Readonly<Record<string, number>> = {}): void {
        logger[LEVELS[type]]({ ...clean(fields), ...more }, type);
    }

    return (observation) => {
        if (!logger.isLevelEnabled(LEVELS[observation.type])) return;
        const isRare = keepsAll || !BY_STRANGERS.has(observation.type);
        if (isRare || bursts.note(kindOf(observation), observation)) write(observation);
    };
}

/** Text without the tokens and passwords that stand in it. */
export function redact(text: string): string {
    return text
        .replace(TOKENS, '[token]')
        .replace(TOKEN_PARAMETERS, '$1[token]')
        .replace(TOKEN_FIELDS, '$1[token]')
        .replace(BEARERS, '$1[token]')
        .replace(PASSWORDS, '$1[password]@');
}

/** Alike but for whom they came from. */
function kindOf(observation: Observation): string {
    const where = 'where' in observation ? observation.where : '';
    // Of each user there is to be a line.
    const what = observation.type === 'socket.limited' ? `${observation.what} ${observation.userId}` : '';
    return [observation.type, where, what, 'reason' in observation ? observation.reason : ''].join(' ');
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

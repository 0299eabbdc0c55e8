/** Every environment variable of Tidings: its value, its default and whether it is a secret. docs/config.md says the rest. */

import {
    bearerToken,
    bytes,
    flag,
    integer,
    limit,
    oneOf,
    origins,
    partOfHour,
    publicUrl,
    rate,
    sender,
    smtpUrl,
    text,
    timeZone,
    url,
    type Value,
} from './values.ts';

/**
 * One variable. `fallback` is the text that stands for it when it is unset or empty, null if unset is a value of its
 * own; what unset means then is said by `unset`. A secret can also come from the file `<NAME>_FILE` names.
 */
export type Variable<T> = Value<T> & {
    readonly fallback: string | null;
    readonly unset?: string;
    readonly secret: boolean;
};

const POSTGRES = ['postgres', 'postgresql'];
const WEB = ['http', 'https'];
const MAX_INTEGER = 2_147_483_647;

/** The variables in the order of docs/config.md. */
export const VARIABLES = {
    DATABASE_URL: secret(url(POSTGRES), 'embedded PostgreSQL under `DATA_DIR`'),
    HOST: plain(text('an address or host name'), '127.0.0.1'),
    PORT: plain(integer(0, 65_535), '8080'),
    JWT_SECRET: secret(bytes(32), 'embedded mode: made once and kept'),
    JWKS_URL: optional(url(WEB), 'unset'),
    JWT_ISSUER: optional(text('an issuer'), 'unset'),
    JWT_AUDIENCE: optional(text('an audience'), 'unset'),
    CORS_ORIGINS: optional(origins, 'same origin only'),
    SMTP_URL: secret(smtpUrl, 'embedded mode: the local mail catcher'),
    MAIL_FROM: optional(sender, 'with the mail catcher: `Tidings <tidings@localhost>`'),
    PUBLIC_URL: optional(publicUrl, 'embedded mode: the address it listens on'),
    DIGEST_CADENCE: plain(oneOf(['hourly', 'daily', 'weekly', 'off']), 'daily'),
    RETENTION_DAYS: plain(integer(1, 36_500), '30'),
    NOTIFICATION_RETENTION_DAYS: plain(integer(1, 36_500), '90'),
    DATA_DIR: plain(text('a directory'), '.data'),
    EXAMPLE: optional(flag, '`true` in embedded mode, else `false`'),
    DEV_LOGIN: optional(flag, '`true` in embedded mode on loopback, else `false`'),
    STREAM_DATABASE_URL: secret(url(POSTGRES), '`DATABASE_URL`'),
    POOL_SIZE: plain(integer(1, 1000), '10'),
    LISTEN: plain(flag, 'true'),
    SEQUENCE_INTERVAL_MS: plain(integer(1, 10_000), '5'),
    TRUST_PROXY: plain(integer(0, 32), '0'),
    WS_MAX_MESSAGE_BYTES: plain(limit(MAX_INTEGER), '16384'),
    WS_RATE: plain(rate, '20/10s'),
    WS_MAX_SUBSCRIPTIONS: plain(limit(MAX_INTEGER), '100'),
    WS_MAX_CONNECTIONS_PER_USER: plain(limit(MAX_INTEGER), '20'),
    WS_MAX_CONNECTIONS: plain(limit(MAX_INTEGER), '50000'),
    WS_MAX_LAG_MS: plain(limit(60_000), '250'),
    WS_CONNECT_RATE: plain(rate, '100/10s'),
    WS_MAX_BACKPRESSURE_BYTES: plain(limit(MAX_INTEGER), '1048576'),
    REPLAY_LIMIT: plain(limit(MAX_INTEGER), '10000'),
    REST_RATE: plain(rate, '300/60s'),
    DIGEST_TIME_ZONE: plain(timeZone, 'UTC'),
    DIGEST_HOUR: plain(integer(0, 23), '8'),
    DIGEST_WEEKDAY: plain(integer(1, 7), '1'),
    DIGEST_EVERY_MINUTES: plain(partOfHour, '5'),
    INSTANT_MAIL_DELAY_MS: plain(integer(0, 3_600_000), '10000'),
    INSTANT_MAIL_INTERVAL_MS: plain(integer(1000, 60_000), '5000'),
    MAIL_CONNECTIONS: plain(integer(1, 100), '5'),
    MAIL_DKIM_DOMAIN: optional(text('a domain'), 'unset: mail is not signed'),
    MAIL_DKIM_SELECTOR: optional(text('a selector'), 'unset'),
    MAIL_DKIM_KEY: secret(text('an RSA key in PEM'), 'unset'),
    METRICS_PORT: optional(integer(0, 65_535), 'unset'),
    ADMIN_TOKEN: secret(bearerToken(16), 'unset: no admin routes'),
    LOG_LEVEL: plain(oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']), 'info'),
    OTEL_EXPORTER_OTLP_ENDPOINT: optional(url(WEB), 'unset'),
} as const;

function plain<T>(value: Value<T>, fallback: string): Variable<T> & { readonly fallback: string } {
    return { ...value, fallback, secret: false };
}

function optional<T>(value: Value<T>, unset: string): Variable<T> & { readonly fallback: null } {
    return { ...value, fallback: null, unset, secret: false };
}

function secret<T>(value: Value<T>, unset: string): Variable<T> & { readonly fallback: null } {
    return { ...value, fallback: null, unset, secret: true };
}

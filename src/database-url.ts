/** A database URL as libpq spells it, split into what the driver takes as a URL and how the connection is encrypted. */

import { checkServerIdentity, type ConnectionOptions as TlsOptions } from 'node:tls';
import { parse } from 'pg-connection-string';
import { messageOf, TidingsError } from './errors.ts';

/** `tls` false: plain. */
export type DatabaseAddress = { readonly url: string; readonly tls: false | TlsOptions };

const TLS_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'ssl'];
const MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

/**
 * Reads `sslmode`, `sslrootcert`, `sslcert` and `sslkey` with libpq's meaning; without `sslmode` the connection is plain.
 *
 * @throws TidingsError `misused` on another mode (`allow` and `prefer` promise nothing, so they are not offered) and on
 * files that can't be read.
 */
export function readDatabaseUrl(written: string): DatabaseAddress {
    const url = new URL(written);
    const mode = url.searchParams.get('sslmode');
    if (mode !== null && !MODES.includes(mode)) {
        throw new TidingsError(
            'misused',
            `expected sslmode to be one of ${MODES.join(', ')}, got ${JSON.stringify(mode)}`,
        );
    }
    for (const name of TLS_PARAMETERS) url.searchParams.delete(name);
    return { url: url.href, tls: readTls(written) };
}

function readTls(written: string): false | TlsOptions {
    try {
        const { ssl } = parse(written, { useLibpqCompat: true });
        if (ssl === true) return {};
        if (typeof ssl !== 'object') return false;
        // Said here, because a driver that wraps a socket of its own may forget the name if it is an address.
        const { hostname } = new URL(written);
        return {
            checkServerIdentity: (_, certificate) => checkServerIdentity(hostname, certificate),
            ...(ssl as TlsOptions),
        };
    } catch (error) {
        throw new TidingsError(
            'misused',
            `expected the TLS settings of the database URL to be usable, got: ${messageOf(error)}`,
            {
                cause: error,
            },
        );
    }
}

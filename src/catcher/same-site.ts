/** Who may ask the catcher's page for anything: a browser that was really sent here, not led here by another site. */

import { TidingsError } from '../errors.ts';

const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const HOST_PATTERN = /^(?<name>\[[\da-f:]+\]|[^:[\]]+)(?::\d{1,5})?$/i;

/** What of a request says where it comes from. */
type Origins = { readonly host?: string | undefined; readonly origin?: string | undefined };

/**
 * Refuses a name that is not this machine's: a site whose name was pointed at 127.0.0.1 (DNS rebinding) would be one
 * origin with us. The port may be another, as behind `ssh -L`.
 */
export function assertLocalHost({ host = '' }: Origins): void {
    const name = HOST_PATTERN.exec(host)?.groups?.['name']?.toLowerCase() ?? '';
    if (LOCAL_NAMES.includes(name)) return;
    throw new TidingsError(
        'forbidden',
        `expected Host to be one of ${LOCAL_NAMES.join(', ')}, got ${JSON.stringify(host)}`,
    );
}

/** Refuses what a page of another origin sends. Without Origin it is no browser: they send it with every POST. */
export function assertOwnOrigin({ host = '', origin }: Origins): void {
    if (origin === undefined || origin === `http://${host}`) return;
    throw new TidingsError('forbidden', `expected Origin to be http://${host}, got ${JSON.stringify(origin)}`);
}

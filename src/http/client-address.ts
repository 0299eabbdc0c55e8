/** The client's address: the peer's, or what trusted proxies say of it. */

import { isIP } from 'node:net';
import { plainAddress } from '../network.ts';

/** As some proxies write it: with a port, that of IPv6 in brackets. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/;

/**
 * The address behind `hops` trusted proxies. Each proxy appends whom it saw, so with n of them the n-th entry from the
 * right is the client; everything left of it is hearsay. An entry that is no address leaves the peer's.
 */
export function clientAddress(peer: string, forwardedFor: string, hops: number): string {
    if (hops === 0) return plainAddress(peer);
    const entries = forwardedFor.split(',').map((entry) => entry.trim());
    const entry = entries[Math.max(0, entries.length - hops)] ?? '';
    const [, bracketed, bare] = WITH_PORT.exec(entry) ?? [];
    const address = bracketed ?? bare ?? entry;
    return plainAddress(isIP(address) === 0 ? peer : address);
}

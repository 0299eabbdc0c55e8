/** Addresses of peers: in one spelling each, and the network a limit counts as one. */

import { isIPv6, SocketAddress } from 'node:net';

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/;
const GROUPS = 8;
/** Of 16 bits: the /64 that a network gets, and whoever has an address in it has all of them. */
const NETWORK_GROUPS = 4;

/** An address at its shortest; that of IPv4 if it is one in the clothes of IPv6, as sockets that take both show it. */
export function plainAddress(address: string): string {
    if (!isIPv6(address)) return address;
    const { address: shortest } = new SocketAddress({ address, family: 'ipv6' });
    return MAPPED.exec(shortest)?.[1] ?? shortest;
}

/** What whoever has a plain address can be expected to have all of: of IPv6 the /64, else the address itself. */
export function networkOf(address: string): string {
    if (!isIPv6(address)) return address;
    const [head = '', tail] = address.split('::');
    const groups = (text = '') => text.split(':').filter((group) => group !== '');
    const [before, after] = [groups(head), groups(tail)];
    const zeros = Array<string>(Math.max(0, GROUPS - before.length - after.length)).fill('0');
    return `${[...before, ...zeros, ...after].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

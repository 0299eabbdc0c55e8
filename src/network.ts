/** Addresses of peers: in one spelling each, and the network a limit counts as one. */

import { BlockList, isIPv6, SocketAddress } from 'node:net';

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

/** Addresses of machines and sites of one's own, and of carriers' inner networks: no stranger comes from there, but a proxy may. */
const NEAR = new BlockList();
for (const [address, bits] of [
    ['127.0.0.0', 8],
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['169.254.0.0', 16],
    ['100.64.0.0', 10],
] as const)
    NEAR.addSubnet(address, bits, 'ipv4');
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');
NEAR.addSubnet('fe80::', 10, 'ipv6');

/** Whether a plain address is of a private network, or of this machine. */
export function isPrivate(address: string): boolean {
    return NEAR.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
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

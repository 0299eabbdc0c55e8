import { expect, test } from 'vitest';
import { isPrivate, networkOf, plainAddress } from '../src/network.ts';

test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1'],
    ['::FFFF:10.1.2.3', '10.1.2.3'],
    ['0000:0000:0000:0000:0000:0000:0000:0001', '::1'],
    ['2001:0DB8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['no address', 'no address'],
])('%s is plainly %s', (address, plain) => expect(plainAddress(address)).toBe(plain));

test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::ffff:1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
])('%s is of the network %s', (address, network) => expect(networkOf(address)).toBe(network));

test('private addresses are those of no stranger', () => {
    const near = [
        '127.0.0.1',
        '10.9.8.7',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1',
        '100.64.0.1',
        '::1',
        'fd00::1',
    ];
    expect(near.filter((address) => !isPrivate(address))).toEqual([]);
    const far = ['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.128.0.1', '203.0.113.7', '2001:db8::1', 'no address'];
    expect(far.filter(isPrivate)).toEqual([]);
});

/** Every wrong frame ends its own socket or is borne, and nothing else notices. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, exchange, handshake, inTime, openClient, rawSocket } from '../http/client.ts';
import { type Gateway, startGateway } from '../http/gateway.ts';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, rawFrame, TEXT } from '../support/raw-frame.ts';

const MOST_BYTES = 16_384;
const MANY = 100_000;

let gateway: Gateway;
let healthy: Client;
beforeAll(async () => {
    gateway = await startGateway({ settings: { authDeadlineMs: 500 } });
    healthy = await welcome();
});
afterAll(async () => await gateway.stop());

async function welcome(): Promise<Client> {
    const client = await openClient(`${gateway.socketUrl}?token=${await gateway.token()}`);
    await client.next('welcome');
    return client;
}

/** A socket as a test sees it: all it has read, and its end. */
type Raw = { readonly socket: Socket; readonly read: () => string; readonly ended: Promise<unknown> };

/** One that has shaken hands. */
async function open(): Promise<Raw> {
    return watch(await rawSocket(gateway.port, `/ws?token=${await gateway.token()}`));
}

/** One that begins with a text. */
function openWith(text: string): Raw {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined).write(text);
    return watch(socket);
}

function watch(socket: Socket): Raw {
    let text = '';
    socket.on('data', (data) => {
        text += data.toString('latin1');
    });
    return { socket, read: () => text, ended: new Promise((resolve) => void socket.once('close', resolve)) };
}

/** A healthy socket is answered, and nothing was a failure of ours. */
async function expectHealth(): Promise<void> {
    healthy.say({ type: 'ping' });
    await healthy.next('pong');
    expect(gateway.observed.filter(({ type }) => type === 'handler.failed')).toEqual([]);
}

const PING_TEXT = '{"type":"ping","ref":"x"}';
const part = (opcode: number, payload: string | Buffer) => rawFrame(opcode, payload, { fin: false });
const bytes = (...values: number[]) => Buffer.from(values);
const closing = (code: number, reason: string | Buffer = '') =>
    rawFrame(CLOSE, Buffer.concat([bytes(code >> 8, code & 255), Buffer.from(reason)]));
const deflated = (length: number) => deflateRawSync(Buffer.alloc(length, ' '), { level: 9 });

const ENDING: [string, ...Buffer[]][] = [
    ['bad UTF-8', rawFrame(TEXT, bytes(0xff, 0xfe, 0xfd))],
    ['bad UTF-8 in fragments', part(TEXT, bytes(0x22, 0xc3)), rawFrame(CONTINUATION, bytes(0x28, 0x22))],
    ['UTF-8 that is cut off', rawFrame(TEXT, bytes(0x22, 0xe2, 0x82))],
    ['overlong UTF-8', rawFrame(TEXT, bytes(0xc0, 0xaf))],
    ['a surrogate in UTF-8', rawFrame(TEXT, bytes(0xed, 0xa0, 0x80))],
    ['UTF-8 beyond U+10FFFF', rawFrame(TEXT, bytes(0xf4, 0x90, 0x80, 0x80))],
    ...[4, 2, 1, 7].map((bits): [string, Buffer] => [
        `reserved bits ${bits.toString(2).padStart(3, '0')}`,
        rawFrame(TEXT, '{"type":"ping"}', { reserved: bits }),
    ]),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer] => [
        `opcode ${opcode}`,
        rawFrame(opcode, 'x'),
    ]),
    ['a ping in pieces', part(PING, 'x')],
    ['a pong in pieces', part(PONG, 'x')],
    ['a close in pieces', part(CLOSE, bytes(3, 232))],
    ['a ping of 126 bytes', rawFrame(PING, Buffer.alloc(126))],
    ['a pong of 126 bytes', rawFrame(PONG, Buffer.alloc(126))],
    ['a close of 126 bytes', closing(1000, 'x'.repeat(124))],
    ['a continuation of nothing', rawFrame(CONTINUATION, 'x')],
    ['a message within a message', part(TEXT, '{"type":'), rawFrame(TEXT, '{"type":"ping"}')],
    ['a binary end of a text', part(TEXT, '{"type":'), rawFrame(BINARY, '"ping"}')],
    ['a close of nothing', rawFrame(CLOSE)],
    ['a close of one byte', rawFrame(CLOSE, 'x')],
    ...[0, 999, 1005, 1006, 1015, 2999, 5000, 65_535].map((code): [string, Buffer] => [
        `a close with code ${code}`,
        closing(code),
    ]),
    ['a close with a reason of bad UTF-8', closing(1000, bytes(0xff, 0xfe))],
    ['a length of 2^63', bytes(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['a length of 2^64 - 1', bytes(0x81, 0xff, ...Array.from({ length: 8 }, () => 0xff), 0, 0, 0, 0)],
    ['a length of 2^32 and no more', bytes(0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['one frame too large', rawFrame(TEXT, 'x'.repeat(MOST_BYTES + 1))],
    ['fragments too large together', part(TEXT, 'x'.repeat(MOST_BYTES)), rawFrame(CONTINUATION, 'x')],
    [`${MANY} fragments of one byte`, part(TEXT, 'x'), repeated(part(CONTINUATION, 'x'))],
    ['a compressed frame nobody agreed on', rawFrame(TEXT, deflated(100), { reserved: 4 })],
    ['a bomb nobody agreed on', rawFrame(TEXT, deflated(10_000_000), { reserved: 4 })],
    ['a mask that makes it bad UTF-8', rawFrame(TEXT, '{"type":"ping"}').fill(0xff, 2, 6)],
    // The transport takes the first four bytes of the payload for the mask, and whatever comes next for the end of it.
    ['a message that is not masked', rawFrame(TEXT, PING_TEXT, { mask: null }), rawFrame(TEXT, PING_TEXT)],
    ['a handshake once more', Buffer.from(handshake())],
    ['a request behind the upgrade', Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')],
];

const BORNE: [string, ...Buffer[]][] = [
    ['a message masked with a key', rawFrame(TEXT, PING_TEXT, { mask: [1, 2, 3, 4] })],
    ['UTF-8 cut in the middle by fragments', part(TEXT, bytes(0x22, 0xc3)), rawFrame(CONTINUATION, bytes(0xbc, 0x22))],
    ['a length in two bytes that needs none', rawFrame(TEXT, PING_TEXT, { lengthBytes: 2 })],
    ['a length in eight bytes that needs none', rawFrame(TEXT, PING_TEXT, { lengthBytes: 8 })],
    [
        'a ping between fragments',
        part(TEXT, '{"type":'),
        rawFrame(PING, 'p'),
        rawFrame(PONG, 'p'),
        rawFrame(CONTINUATION, '"ping"}'),
    ],
    [
        `${MANY} empty fragments`,
        part(TEXT, '{"type":'),
        repeated(part(CONTINUATION, '')),
        rawFrame(CONTINUATION, '"ping"}'),
    ],
    ['a text with NUL', rawFrame(TEXT, '{"type":"ping"}\0')],
    ['an empty text', rawFrame(TEXT)],
    ['the largest text', rawFrame(TEXT, PING_TEXT.padEnd(MOST_BYTES))],
    ['an unasked pong', rawFrame(PONG, 'nobody asked')],
];

function repeated(frame: Buffer): Buffer {
    return Buffer.concat(Array.from({ length: MANY }, () => frame));
}

describe('ends that socket only:', () => {
    test.each(ENDING)('%s', async (_, ...frames) => {
        const { socket, ended, read } = await open();
        for (const one of frames) socket.write(one);
        await inTime(ended, () => `a close; got ${read()}`);
        await expectHealth();
    });
});

describe('is borne:', () => {
    test.each(BORNE)('%s', async (_, ...frames) => {
        const { socket, read } = await open();
        for (const one of frames) socket.write(one);
        socket.write(rawFrame(TEXT, '{"type":"ping","ref":"still here"}'));
        while (!read().includes('still here')) await inTime(once(socket, 'data'), () => `a pong; got ${read()}`);
        socket.destroy();
        await expectHealth();
    });
});

describe('a handshake', () => {
    const EVERY_PARAMETER =
        'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; ' +
        'client_max_window_bits=15, permessage-deflate; client_max_window_bits, x-webkit-deflate-frame';

    test('that offers compression in every way is accepted without; a bomb then ends the socket', async () => {
        const path = `/ws?token=${await gateway.token()}`;
        const offer = handshake({ 'Sec-WebSocket-Extensions': EVERY_PARAMETER }, path);
        const { socket, ended, read } = openWith(offer);
        while (!read().includes('welcome')) await inTime(once(socket, 'data'), () => `a welcome; got ${read()}`);
        expect(read()).toMatch(/^HTTP\/1\.1 101/);
        expect(read().toLowerCase()).not.toContain('sec-websocket-extensions');
        socket.write(rawFrame(TEXT, deflated(10_000_000), { reserved: 4 }));
        await inTime(ended, () => 'a close');
        await expectHealth();
    });

    // A client has to wait for the answer; who doesn't has a socket like any other, here one that never authenticates.
    test.each([
        ['another handshake', handshake()],
        ['a request', 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n'],
        ['a frame', rawFrame(TEXT, '{"type":"auth","token":"x"}').toString('latin1')],
    ])('drops %s that comes in the same packet', async (_, behind) => {
        const answer = await exchange(gateway.port, Buffer.from(handshake() + behind, 'latin1'));
        expect(answer.match(/HTTP/g)).toHaveLength(1);
        expect(answer).toContain('expected authentication within');
        await expectHealth();
    });

    test('that comes behind a request waits for the answer to that', async () => {
        const answer = await exchange(gateway.port, `GET /x HTTP/1.1\r\nHost: x\r\n\r\n${handshake()}`);
        expect(answer).toMatch(/^HTTP\/1\.1 200 .*\{"hello":"\/x"\}HTTP\/1\.1 101 /s);
        await expectHealth();
    });

    test('of which only half comes ends with its connection', async () => {
        const { socket, ended, read } = openWith(handshake().slice(0, 100));
        socket.end();
        await inTime(ended, () => 'a close');
        expect(read()).toBe('');
        await expectHealth();
    });
});

test('what comes after a close is not handled', async () => {
    const { socket, read, ended } = await open();
    socket.write(Buffer.concat([closing(1000), rawFrame(TEXT, PING_TEXT)]));
    socket.write(rawFrame(TEXT, PING_TEXT));
    await inTime(ended, () => 'a close');
    expect(read()).not.toContain('pong');
    await expectHealth();
});

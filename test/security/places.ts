/** Every place a token can be brought in, on raw sockets, so that answers can be compared byte for byte. */

import { connect } from 'node:net';
import { exchange, handshake, inTime } from '../http/client.ts';

/** Brings a token; resolves with every byte the server answered with, after the handshake of a socket. */
export type Bring = (port: number, token: string) => Promise<string>;

/** A good token, for the place that wants a socket that is live. */
export type Places = Readonly<Record<string, Bring>>;

/** Ids and traces of requests are taken from them, so answers differ in nothing else. */
export const TRACE = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`;
const SAME = { Host: '127.0.0.1', 'X-Request-Id': 'same', Traceparent: TRACE };

/** All places. */
export function placesOf(goodToken: string): Places {
    return {
        'the header': (port, token) => endOf(port, handshake({ Authorization: `Bearer ${token}` })),
        'the subprotocol': (port, token) =>
            endOf(port, handshake({ 'Sec-WebSocket-Protocol': `tidings.v1, bearer.${token}` })),
        'the query': (port, token) => endOf(port, handshake({}, `/ws?token=${encodeURIComponent(token)}`)),
        'the first message': (port, token) => endOf(port, handshake(), { after: /\r\n\r\n/, token }),
        'a refresh': (port, token) =>
            endOf(port, handshake({ Authorization: `Bearer ${goodToken}` }), {
                after: /"type":"welcome".*\]\}/,
                token,
            }),
        'a bearer of REST': (port, token) => rest(port, '/notifications', { Authorization: `Bearer ${token}` }),
        'a bearer of a write': (port, token) =>
            rest(port, '/notifications/read-all', { Authorization: `Bearer ${token}`, 'Content-Length': '0' }, 'POST'),
        'the URL of a stream': (port, token) => rest(port, `/stream?topic=user:42&token=${encodeURIComponent(token)}`),
    };
}

/** The longest token the head of a request, or a message, holds beside what else stands there. */
const MOST_IN_A_HEAD = 3500;
const MOST_IN_A_MESSAGE = 16_000;

/**
 * Whether a token can be brought there at all. White space around it is no part of a header's value, and an empty one
 * in a frame is a fault of the frame.
 */
export function canTravel(token: string, place: string): boolean {
    if (/message|refresh/.test(place))
        return token.length < MOST_IN_A_MESSAGE && (token !== '' || !/refresh/.test(place));
    return token.length < MOST_IN_A_HEAD && (token === token.trim() || !/header|subprotocol|bearer/.test(place));
}

/** A text frame of a client: masked, by zeros. */
export function frameOf(content: string): Buffer {
    const text = Buffer.from(content);
    const head = Buffer.alloc(14);
    head.writeUInt16BE(0x81_ff);
    head.writeBigUInt64BE(BigInt(text.length), 2);
    return Buffer.concat([head, text]);
}

/** A token that is sent as a frame once something has come. */
type Later = { readonly after: RegExp; readonly token: string };

/** All that comes after the head of a handshake, and after what was waited for, until the server closes. */
async function endOf(
    port: number,
    head: string,
    { after, token }: Later = { after: /$^/, token: '' },
): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1').on('error', () => undefined);
    let [answer, waits] = ['', true];
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('data', (text: string) => {
        answer += text;
        const match = waits ? after.exec(answer) : null;
        if (match === null) return;
        waits = false;
        answer = answer.slice(match.index + match[0].length);
        socket.write(frameOf(JSON.stringify({ type: 'auth', token })));
    });
    socket.write(head);
    await inTime(closed, () => `a close; got ${JSON.stringify(answer.slice(0, 500))}`);
    return answer.replace(/^HTTP\/1\.1 101 .*?\r\n\r\n/s, '');
}

async function rest(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<string> {
    const all = { ...SAME, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    const text = `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
    return (await exchange(port, text, /\r\n\r\n\{.*\}$/s)).replace(/\r\nDate: [^\r]*/, '');
}

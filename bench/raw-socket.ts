/** A WebSocket client that costs a load generator little: bytes in, pieces of text out, and it stops reading when told to. */

import { connect, type Socket } from 'node:net';

/** What a client does with what comes. `text` is the beginning of a frame, long enough for its seq. */
export type RawSocketOptions = {
    readonly port: number;
    readonly token: string;
    readonly onOpen: (socket: RawSocket) => void;
    readonly onText: (text: string) => void;
    readonly onEnd: (end: RawEnd) => void;
    /** More header lines, each with its `\r\n`. */
    readonly headers?: string;
};

/** What was heard before the end: the status of the handshake and the code of the close frame; 0: none. */
export type RawEnd = { readonly status: number; readonly code: number };

/** Enough of an event frame for its topic, its seq and small data; all of any other. */
const TEXT_BYTES = 600;
const NOTHING = Buffer.alloc(0);
export const TEXT = 1;
const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** Opens as soon as it is made. Ends by itself when the server closes. */
export class RawSocket {
    readonly socket: Socket;
    readonly #onText: (text: string) => void;
    #rest: Buffer = NOTHING;
    #open = false;
    #status = 0;
    #code = 0;

    constructor({ port, token, onOpen, onText, onEnd, headers = '' }: RawSocketOptions) {
        this.#onText = onText;
        this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
        this.socket.on('error', () => undefined);
        this.socket.on('close', () => onEnd({ status: this.#status, code: this.#code }));
        this.socket.on('data', (chunk) => {
            const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
            const at = this.#open ? 0 : this.#shakeHands(data, onOpen);
            this.#rest = at < 0 ? data : this.#takeFrames(data, at);
        });
        this.socket.write(handshake(`Authorization: Bearer ${token}\r\n${headers}`));
    }

    say(frame: unknown): void {
        this.#send(TEXT, Buffer.from(JSON.stringify(frame)));
    }

    /** A sign of life. */
    ping(): void {
        this.#send(PING, NOTHING);
    }

    #send(opcode: number, body: Buffer): void {
        this.socket.write(frameOf(opcode, body));
    }

    /** Where frames begin; negative: not here yet, or refused. */
    #shakeHands(data: Buffer, onOpen: (socket: RawSocket) => void): number {
        const end = data.indexOf('\r\n\r\n');
        if (end < 0) return -1;
        this.#status = Number(data.toString('latin1', 9, 12));
        if (this.#status !== 101) return -1;
        this.#open = true;
        onOpen(this);
        return end + 4;
    }

    /** What is left after the last whole frame. */
    #takeFrames(data: Buffer, from: number): Buffer {
        let at = from;
        for (let frame = frameAt(data, at); frame !== null; frame = frameAt(data, at)) {
            const { opcode, start, end } = frame;
            if (opcode === PING) this.#send(PONG, Buffer.from(data.subarray(start, end)));
            else if (opcode === TEXT) this.#onText(data.toString('latin1', start, Math.min(end, start + TEXT_BYTES)));
            else if (opcode === CLOSE && end - start >= 2) this.#code = data.readUInt16BE(start);
            at = end;
        }
        return at === data.length ? NOTHING : Buffer.from(data.subarray(at));
    }
}

/** The request of an upgrade, with more header lines. */
export function handshake(headers: string): string {
    return (
        `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${headers}` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
    );
}

/** A client's frame, masked with zeroes; 64 kB at most. */
export function frameOf(opcode: number, body: Buffer): Buffer {
    const { length } = body;
    const head = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
    return Buffer.concat([Buffer.from([0x80 | opcode, ...head, 0, 0, 0, 0]), body]);
}

/** The frame that begins at a place, if all of it is there: its payload is from `start` to `end`. */
function frameAt(data: Buffer, at: number): { opcode: number; start: number; end: number } | null {
    const headBytes = headBytesOf(data, at);
    if (data.length - at < headBytes) return null;
    const start = at + headBytes;
    const end = start + payloadBytesOf(data, at, headBytes);
    return data.length < end ? null : { opcode: (data[at] ?? 0) & 15, start, end };
}

function headBytesOf(data: Buffer, at: number): number {
    const short = (data[at + 1] ?? 0) & 127;
    if (short < 126) return 2;
    return short === 126 ? 4 : 10;
}

function payloadBytesOf(data: Buffer, at: number, headBytes: number): number {
    if (headBytes === 2) return (data[at + 1] ?? 0) & 127;
    return headBytes === 4 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
}

/** The topic's seq that an event frame carries; null if the frame is none. */
export function seqOf(text: string): number | null {
    if (!text.startsWith('{"type":"event"')) return null;
    const at = text.indexOf('"seq":');
    return Number.parseInt(text.slice(at + 6, at + 22), 10);
}

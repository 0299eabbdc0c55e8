/** Frames of a WebSocket client by hand, right or wrong in every bit. */

/** What is not as usual. */
export type RawFrameOptions = {
    readonly fin?: boolean;
    /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
    readonly reserved?: number;
    /** Four bytes; null: the frame says that it is not masked, and isn't. */
    readonly mask?: readonly number[] | null;
    /** How the length is written: in as few bytes as can be, unless told. */
    readonly lengthBytes?: 0 | 2 | 8;
};

export const TEXT = 1;
export const CONTINUATION = 0;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** One frame; masked with zeroes unless told, so the payload can be read in a test. */
export function rawFrame(opcode: number, payload: string | Buffer = '', options: RawFrameOptions = {}): Buffer {
    const { fin = true, reserved = 0, mask = [0, 0, 0, 0] } = options;
    const body = Buffer.from(payload);
    const { lengthBytes = body.length < 126 ? 0 : body.length < 65_536 ? 2 : 8 } = options;
    const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
    const masked = mask === null ? 0 : 0x80;
    const length = Buffer.alloc(lengthBytes);
    if (lengthBytes === 2) length.writeUInt16BE(body.length);
    if (lengthBytes === 8) length.writeBigUInt64BE(BigInt(body.length));
    const shown = lengthBytes === 0 ? body.length : lengthBytes === 2 ? 126 : 127;
    if (mask !== null) for (const [n, byte] of body.entries()) body[n] = byte ^ (mask[n % 4] ?? 0);
    return Buffer.concat([Buffer.from([first, masked | shown]), length, Buffer.from(mask ?? []), body]);
}

/** A WebSocket of uWebSockets.js as a Wire: after its end, using it would crash the process, so then it does nothing. */

import type { SendResult, Wire } from '../socket/index.ts';
import type { WebSocket } from './uws.ts';

const RESULTS: readonly SendResult[] = ['buffered', 'sent', 'dropped'];

/** Made in `open`, ended in `close`. */
export class SocketWire implements Wire {
    readonly address: string;
    readonly #killBytes: number;
    #ws: WebSocket<unknown> | null;

    /** With more than `killBytes` (null: any) piled up, a close doesn't wait for the peer to read it all. */
    constructor(ws: WebSocket<unknown>, address: string, killBytes: number | null) {
        this.#ws = ws;
        this.address = address;
        this.#killBytes = killBytes ?? Number.POSITIVE_INFINITY;
    }

    send(frame: string | Buffer): SendResult {
        return this.#ws === null ? 'dropped' : (RESULTS[this.#ws.send(frame)] ?? 'dropped');
    }

    bufferedBytes(): number {
        return this.#ws?.getBufferedAmount() ?? 0;
    }

    cork(write: () => void): void {
        this.#ws?.cork(write);
    }

    close(code: number, reason: string): void {
        const ws = this.#ws;
        this.#ws = null;
        if (ws === null) return;
        if (ws.getBufferedAmount() > this.#killBytes) ws.close();
        else ws.end(code, reason);
    }

    /** The WebSocket is gone. */
    ended(): void {
        this.#ws = null;
    }
}

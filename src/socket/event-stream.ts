/** A stream of server-sent events as a Wire: its body is read by whoever sends it, as fast as the client takes it. */

import { TidingsError } from '../errors.ts';
import { CLOSE } from '../protocol/index.ts';
import type { EventPositions } from './event-positions.ts';
import type { SendResult, Wire } from './wire.ts';

/** What a stream works with. */
export type EventStreamPorts = {
    readonly address: string;
    readonly positions: EventPositions;
    /** A close with more than this waiting (null: any) doesn't wait for the client to read it all. */
    readonly killBytes: number | null;
    /** Everything was taken. */
    readonly onDrained: () => void;
    /** The client has gone. */
    readonly onGone: () => void;
};

/** The body's chunks are at most so long: how much is taken between two looks at what is left. */
const CHUNK_BYTES = 32 * 1024;

/** How long a client is to stay away that was told it may not read: a browser comes back by itself, whatever it was told. */
const REFUSED_RETRY_MS = 60_000;

const END = Buffer.from('\n\n');

/** One answer to `GET /stream`. A frame is one `data:` line, as frames are JSON on one line. */
export class EventStream implements Wire {
    readonly address: string;
    readonly body: ReadableStream<Uint8Array>;
    readonly #positions: EventPositions;
    readonly #killBytes: number;
    #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
    #pieces: Buffer[] = [];
    #pieceBytes = 0;
    #corked = false;

    constructor({ address, positions, killBytes, onDrained, onGone }: EventStreamPorts) {
        this.address = address;
        this.#positions = positions;
        this.#killBytes = killBytes ?? Number.POSITIVE_INFINITY;
        const source = {
            start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
                this.#controller = controller;
            },
            // With a high-water mark of 0 it is called only when the reader has taken everything and waits.
            pull: onDrained,
            cancel: () => {
                this.#controller = null;
                onGone();
            },
        };
        this.body = new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: 0 }));
    }

    send(frame: string | Buffer): SendResult {
        if (this.#controller === null) return 'dropped';
        const id = this.#positions.note(frame);
        this.#add(Buffer.from(id === null ? 'data: ' : `id: ${id}\ndata: `));
        this.#add(typeof frame === 'string' ? Buffer.from(frame) : frame);
        this.#add(END);
        if (!this.#corked) this.#release();
        return this.bufferedBytes() > 0 ? 'buffered' : 'sent';
    }

    bufferedBytes(): number {
        return this.#pieceBytes - (this.#controller?.desiredSize ?? 0);
    }

    cork(write: () => void): void {
        this.#corked = true;
        try {
            write();
        } finally {
            this.#corked = false;
            this.#release();
        }
    }

    close(code: number, reason: string): void {
        const controller = this.#controller;
        if (controller === null) return;
        if (this.bufferedBytes() > this.#killBytes) {
            controller.error(new TidingsError('unavailable', 'expected the client to read its stream'));
        } else {
            if (code === CLOSE.goingAway) this.retryAfter(retryAfterMsOf(reason));
            else if (isRefusal(code)) this.retryAfter(REFUSED_RETRY_MS);
            controller.close();
        }
        this.#controller = null;
    }

    /** Shows the client, and everything on the way, that there is still a connection. One that reads nothing can't see it. */
    ping(): void {
        if (this.bufferedBytes() === 0) this.#write(': ping\n\n');
    }

    /** How long the client is to wait before it comes back, whenever this stream ends. */
    retryAfter(delayMs: number): void {
        this.#write(`retry: ${delayMs}\n\n`);
    }

    #write(text: string): void {
        if (this.#controller === null) return;
        this.#add(Buffer.from(text));
        this.#release();
    }

    #add(piece: Buffer): void {
        this.#pieces.push(piece);
        this.#pieceBytes += piece.length;
    }

    #release(): void {
        if (this.#pieceBytes === 0) return;
        const bytes = Buffer.concat(this.#pieces, this.#pieceBytes);
        this.#pieces = [];
        this.#pieceBytes = 0;
        for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
            this.#controller?.enqueue(bytes.subarray(start, start + CHUNK_BYTES));
        }
    }
}

/** Whether coming back as it is would bring the same. */
function isRefusal(code: number): boolean {
    return code === CLOSE.nothingToRead || (code >= 4400 && code < 4500);
}

/** The reason of 1001 is `{"retryAfterMs":…}`. */
function retryAfterMsOf(reason: string): number {
    return Number((JSON.parse(reason) as { readonly retryAfterMs: number }).retryAfterMs);
}

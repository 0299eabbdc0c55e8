/** A wire that keeps what it is sent; a test says how much of it the peer takes. */

import type { SendResult, Wire } from '../../src/socket/index.ts';

export type Frame = { readonly type: string; readonly [field: string]: unknown };

export class FakeWire implements Wire {
    readonly address = '127.0.0.1';
    readonly frames: Frame[] = [];
    closed: { code: number; reason: string } | null = null;
    corks = 0;
    /** While true, what is sent piles up. */
    stuck = false;
    /** Sends beyond this pile are dropped, as a transport with a limit of its own would. */
    dropBytes = Number.POSITIVE_INFINITY;
    #buffered = 0;

    send(frame: string | Buffer): SendResult {
        if (this.closed !== null || this.#buffered > this.dropBytes) return 'dropped';
        this.frames.push(JSON.parse(frame.toString()) as Frame);
        if (!this.stuck) return 'sent';
        this.#buffered += frame.length;
        return 'buffered';
    }

    bufferedBytes(): number {
        return this.#buffered;
    }

    cork(write: () => void): void {
        this.corks += 1;
        write();
    }

    close(code: number, reason: string): void {
        this.closed ??= { code, reason };
    }

    /** The peer has read everything. */
    drain(): void {
        this.stuck = false;
        this.#buffered = 0;
    }

    /** The peer has read a part. */
    read(bytes: number): void {
        this.#buffered = Math.max(0, this.#buffered - bytes);
    }

    /** Frames of a type. */
    of(type: string): Frame[] {
        return this.frames.filter((frame) => frame.type === type);
    }

    /** The seqs of the events of a topic. */
    seqs(topic: string): unknown[] {
        return this.of('event')
            .filter((frame) => frame['topic'] === topic)
            .map((frame) => frame['seq']);
    }
}

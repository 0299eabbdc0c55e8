/** A TCP connection of an attacker: it writes bytes, reads what comes, and waits for it with a deadline. */

import { connect, type Socket } from 'node:net';

/** What became of a wait. */
export type Waited = 'come' | 'closed' | 'late';

/** How much of what was read is kept: more than any answer that is waited for. */
const KEPT_BYTES = 1_000_000;

/** One connection; opens as soon as it is made. */
export class Peer {
    readonly #socket: Socket;
    #read = '';
    #closed = false;
    #check: () => void = () => undefined;

    constructor(port: number) {
        this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
        this.#socket.on('error', () => undefined);
        this.#socket.on('data', (data) => {
            this.#read = (this.#read + data.toString('latin1')).slice(-KEPT_BYTES);
            this.#check();
        });
        this.#socket.on('close', () => {
            this.#closed = true;
            this.#check();
        });
    }

    get isClosed(): boolean {
        return this.#closed;
    }

    /** What was read last and not forgotten. */
    get read(): string {
        return this.#read;
    }

    write(bytes: Buffer | string): void {
        if (!this.#closed) this.#socket.write(bytes);
    }

    /** What was read so far is not looked at any more. */
    forget(): void {
        this.#read = '';
    }

    /** Resolves once `isThere` says so of what was read, the connection has ended, or it is too late. */
    until(isThere: (read: string) => boolean, withinMs: number): Promise<Waited> {
        return new Promise((resolve) => {
            const done = (waited: Waited) => {
                clearTimeout(timer);
                this.#check = () => undefined;
                resolve(waited);
            };
            const timer = setTimeout(() => done('late'), withinMs);
            this.#check = () => {
                if (isThere(this.#read)) done('come');
                else if (this.#closed) done('closed');
            };
            this.#check();
        });
    }

    /** Is gone without a word. */
    destroy(): void {
        this.#socket.destroy();
    }

    /** Says that nothing more comes. */
    end(): void {
        this.#socket.end();
    }
}

/** One question put to PostgreSQL on one connection, or on a second one too when the first is silent; the first answer counts. */

import { TidingsError } from '../errors.ts';
import type { Driver } from './connect.ts';

/** A connection that can be dropped: then what was asked on it fails, and nothing more is asked on it. */
export type Line = { readonly sql: Driver; drop(reason: Error): void };

/** The answer, and the line it came on. */
export type Answer<T> = { readonly answer: T; readonly line: Line };

/** When to give up, and when to ask on another line as well; undefined: never. */
export type Limits = { readonly deadlineMs: number; readonly patienceMs: number | undefined };

/** Put once. Every line that did not answer is dropped in the end, save one that said why not and still stands. */
export class Question<T> {
    readonly #ask: (sql: Driver) => Promise<T>;
    readonly #limits: Limits;
    readonly #asked = new Set<Line>();
    readonly #timers: NodeJS.Timeout[] = [];
    #second: Line | undefined;
    #resolve: (answer: Answer<T>) => void = () => undefined;
    #reject: (error: unknown) => void = () => undefined;

    constructor(ask: (sql: Driver) => Promise<T>, limits: Limits) {
        this.#ask = ask;
        this.#limits = limits;
    }

    /** Asks; `another` opens a second line. Rejects with what PostgreSQL said, or with `unavailable` after the deadline. */
    put(line: Line, another: () => Line): Promise<Answer<T>> {
        const { deadlineMs, patienceMs } = this.#limits;
        const answered = new Promise<Answer<T>>((resolve, reject) => {
            this.#resolve = resolve;
            this.#reject = reject;
        });
        this.#timers.push(setTimeout(() => this.#end(null, () => this.#reject(lateError(deadlineMs))), deadlineMs));
        if (patienceMs !== undefined) {
            const putAgain = () => {
                this.#second = another();
                void this.#putOn(this.#second);
            };
            this.#timers.push(setTimeout(putAgain, patienceMs));
        }
        void this.#putOn(line);
        return answered;
    }

    async #putOn(line: Line): Promise<void> {
        this.#asked.add(line);
        try {
            const answer = await this.#ask(line.sql);
            if (this.#asked.has(line)) this.#end(line, () => this.#resolve({ answer, line }));
        } catch (error) {
            if (this.#asked.has(line)) this.#failed(line, error);
        }
    }

    #failed(line: Line, error: unknown): void {
        // Its connection is ending; that it has ended is heard only later.
        const lost = error instanceof Error && 'errno' in error;
        if (lost) line.drop(error);
        // When the second fails the first has been silent for long: waiting for it would take until the deadline.
        if (this.#asked.size > 1 && line !== this.#second) this.#asked.delete(line);
        else this.#end(lost ? null : line, () => this.#reject(error));
    }

    #end(kept: Line | null, tell: () => void): void {
        for (const timer of this.#timers) clearTimeout(timer);
        tell();
        const others = [...this.#asked].filter((line) => line !== kept);
        this.#asked.clear();
        for (const line of others) line.drop(lateError(this.#limits.deadlineMs));
    }
}

/** What is said where an answer did not come in time. */
export function lateError(deadlineMs: number): TidingsError {
    const message = `expected PostgreSQL to answer within ${deadlineMs} ms, got nothing`;
    return new TidingsError('unavailable', message, { retryAfterMs: 1000 });
}

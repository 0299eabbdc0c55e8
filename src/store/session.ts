/** One connection of one's own, thrown away when it closes or does not answer: a half-open TCP gives no error. */

import { type ConnectionOptions, connect, type Driver } from './connect.ts';
import { createDialler } from './dialler.ts';
import { type Line, Question } from './question.ts';

/** A single connection, for one question at a time. */
export type Session = {
    /**
     * Runs `question` on the connection; rejects with `unavailable` after the deadline. Whatever ended the connection, the
     * next question is asked on a new one, and what is left of this one is asked on none.
     */
    ask<T>(question: (sql: Driver) => Promise<T>): Promise<T>;
    close(): Promise<void>;
};

/** What a session is opened with. */
export type SessionOptions = Omit<ConnectionOptions, 'max' | 'dialler' | 'onClose'> & {
    /** The client's own deadline; keep it above the server's statement timeout. */
    readonly deadlineMs: number;
    /**
     * For questions that may be asked twice: after so long without an answer one is asked on a second connection too, the
     * first answer counts and the other connection is dropped. So one that was cut off silently costs no more than this.
     */
    readonly patienceMs?: number;
};

/** Opens a session. Nothing is connected until the first question. */
export function createSession(url: string, { deadlineMs, patienceMs, ...options }: SessionOptions): Session {
    let current: Line | undefined;

    /**
     * The driver reconnects by itself, but carries over what it was about to write and an error that came last, and takes
     * a transaction's next statement to the new connection. So each of its pools serves for one connection here.
     */
    function open(): Line {
        const dialler = createDialler();
        const onClose = () => line.drop(new Error('expected the connection to stay open, got its end'));
        const sql = connect(url, { ...options, max: 1, dialler, onClose });
        const line: Line = {
            sql,
            drop(reason) {
                if (current === line) current = undefined;
                dialler.hangUp(reason);
                void sql.end({ timeout: 0 }).catch(() => undefined);
            },
        };
        return line;
    }

    async function ask<T>(question: (sql: Driver) => Promise<T>): Promise<T> {
        current ??= open();
        const asking = new Question(question, { deadlineMs, patienceMs });
        const { answer, line } = await asking.put(current, () => {
            options.observe?.({ type: 'database.silent', name: options.name, waitedMs: patienceMs ?? 0 });
            return open();
        });
        current = line;
        return answer;
    }

    async function close(): Promise<void> {
        const closing = current;
        current = undefined;
        await closing?.sql.end({ timeout: 1 });
        closing?.drop(new Error('expected nothing more to be asked, got a closed session'));
    }

    return { ask, close };
}

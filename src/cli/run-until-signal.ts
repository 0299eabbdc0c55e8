/**
 * Runs something until a signal: `starting` → `running` → `stopping` → exit.
 *
 * A signal while starting stops right after the start, so that nothing half made stays behind. Past the deadline, and on
 * a second signal, the process ends at once with 1.
 */

import { messageOf } from '../errors.ts';
import { redact } from '../log.ts';

/** Where signals come from; `process` is one. */
export type SignalSource = {
    on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
};

/** What to run, and the outside it runs in. */
export type RunOptions = {
    readonly start: () => Promise<{ stop(): Promise<void> }>;
    readonly signals: SignalSource;
    readonly exit: (code: number) => void;
    readonly say: (line: string) => void;
    readonly deadlineMs?: number;
    /** Signals closer together than this are one: npm passes a Ctrl-C on to a process that the terminal sent it to already. */
    readonly sameSignalMs?: number;
};

const DEADLINE_MS = 9500;
const SAME_SIGNAL_MS = 500;

/** Resolves when the first signal has come and all has stopped, just before `exit`; rejects if the start fails. */
export async function runUntilSignal(options: RunOptions): Promise<void> {
    const { start, signals, exit, say, deadlineMs = DEADLINE_MS, sameSignalMs = SAME_SIGNAL_MS } = options;
    let askedAt: number | null = null;
    const asked = new Promise<void>((resolve) => {
        function onSignal(): void {
            if (askedAt === null) {
                askedAt = performance.now();
                say('Stopping (again to stop at once)');
                setTimeout(() => giveUp(`expected to stop within ${deadlineMs} ms, got no end`), deadlineMs).unref();
                resolve();
            } else if (performance.now() - askedAt >= sameSignalMs) {
                giveUp('stopped at once');
            }
        }
        signals.on('SIGINT', onSignal);
        signals.on('SIGTERM', onSignal);
        signals.on('SIGHUP', onSignal);
    });

    function giveUp(why: string): void {
        say(`tidings: ${why}`);
        exit(1);
    }

    const server = await start();
    await asked;
    try {
        await server.stop();
        exit(0);
    } catch (error) {
        giveUp(redact(messageOf(error)));
    }
}

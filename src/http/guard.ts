/** The one wrapper around every handler uWebSockets.js calls: a throw inside one would end the process. */

import type { Observe } from '../observe.ts';

/** Calls `handler`; what it throws or rejects with becomes an observation and `onFailure`. */
export function guard<Arguments extends readonly unknown[]>(
    where: string,
    observe: Observe,
    handler: (...args: Arguments) => void | Promise<void>,
    onFailure: (...args: Arguments) => void = () => undefined,
): (...args: Arguments) => void {
    function fail(error: unknown, args: Arguments): void {
        observe({ type: 'handler.failed', where, error });
        try {
            onFailure(...args);
        } catch (second) {
            observe({ type: 'handler.failed', where: `${where}.failure`, error: second });
        }
    }
    return (...args) => {
        try {
            const done = handler(...args);
            if (done instanceof Promise) done.catch((error: unknown) => fail(error, args));
        } catch (error) {
            fail(error, args);
        }
    };
}

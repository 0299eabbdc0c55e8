/** Waiting for something a test can observe, with a deadline instead of a sleep. */

/** Resolves with the first value `read` answers that is not undefined; asks again whenever `poke` is called. */
export type Signal = {
    poke(): void;
    until<T>(read: () => T | undefined, what: string, withinMs?: number): Promise<T>;
};

export function createSignal(): Signal {
    const waiting = new Set<() => void>();
    return {
        poke() {
            for (const check of [...waiting]) check();
        },
        until(read, what, withinMs = 5000) {
            return new Promise((resolve, reject) => {
                const timer = setTimeout(() => {
                    waiting.delete(check);
                    reject(new Error(`expected ${what} within ${withinMs} ms, got nothing`));
                }, withinMs);
                function check(): void {
                    const value = read();
                    if (value === undefined) return;
                    clearTimeout(timer);
                    waiting.delete(check);
                    resolve(value);
                }
                waiting.add(check);
                check();
            });
        },
    };
}

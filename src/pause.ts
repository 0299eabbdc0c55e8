/** A wait that can be ended early: by whoever has news, and for good when a service stops. */

/** One waiter at a time. */
export type Pause = {
    /** Resolves after `ms`, or at the next `wake`. Resolves at once after `end`. */
    wait(ms: number): Promise<void>;
    /** Ends the wait that is under way, if any. */
    wake(): void;
    /** Ends every wait, now and later. */
    end(): void;
    readonly ended: boolean;
};

export function createPause(): Pause {
    let ended = false;
    let finish: (() => void) | undefined;

    return {
        wait(ms) {
            if (ended || ms <= 0) {
                return Promise.resolve();
            }
            return new Promise((resolve) => {
                const timer = setTimeout(() => finish?.(), ms);
                finish = () => {
                    clearTimeout(timer);
                    finish = undefined;
                    resolve();
                };
            });
        },
        wake() {
            finish?.();
        },
        end() {
            ended = true;
            finish?.();
        },
        get ended() {
            return ended;
        },
    };
}

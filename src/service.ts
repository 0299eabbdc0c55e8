/** The shape of every long-lived part of the server. */

/**
 * A long-lived part. `main.ts` starts a list of them in order and stops it in reverse.
 *
 * `stop` resolves once nothing of the part runs any more; it may be called before `start` and more than once.
 */
export type Service = {
    readonly name: string;
    start(): Promise<void>;
    stop(): Promise<void>;
};

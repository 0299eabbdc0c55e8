import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { type RunOptions, runUntilSignal } from '../../src/cli/run-until-signal.ts';

type Run = {
    readonly signals: EventEmitter;
    readonly said: string[];
    readonly exits: number[];
    readonly exited: Promise<number>;
};

/** Starts a run; `exited` is the first exit code. */
function run(options: Pick<RunOptions, 'start'> & Partial<RunOptions>): Run & { readonly ended: Promise<void> } {
    const signals = new EventEmitter();
    const said: string[] = [];
    const exits: number[] = [];
    const { promise: exited, resolve } = deferred<number>();
    const ended = runUntilSignal({
        signals,
        say: (line) => said.push(line),
        exit: (code) => {
            exits.push(code);
            resolve(code);
        },
        ...options,
    });
    return { signals, said, exits, exited, ended };
}

type Deferred<T> = { readonly promise: Promise<T>; readonly resolve: (value: T) => void };

function deferred<T>(): Deferred<T> {
    let resolve: (value: T) => void = () => {};
    const promise = new Promise<T>((settle) => {
        resolve = settle;
    });
    return { promise, resolve };
}

const never = new Promise<void>(() => {});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('%s stops and exits with 0', async (signal) => {
    let stopped = 0;
    const { signals, exited } = run({
        start: async () => ({
            stop: async () => {
                stopped += 1;
            },
        }),
    });
    signals.emit(signal);
    expect(await exited).toBe(0);
    expect(stopped).toBe(1);
});

test('a signal while starting stops after the start', async () => {
    const started = deferred<{ stop(): Promise<void> }>();
    const steps: string[] = [];
    const { signals, exited } = run({ start: () => started.promise });
    signals.emit('SIGTERM');
    steps.push('asked');
    started.resolve({
        stop: async () => {
            steps.push('stopped');
        },
    });
    expect(await exited).toBe(0);
    expect(steps).toEqual(['asked', 'stopped']);
});

test('exits with 1 past the deadline', async () => {
    const { signals, exited, said } = run({ start: async () => ({ stop: () => never }), deadlineMs: 20 });
    signals.emit('SIGTERM');
    expect(await exited).toBe(1);
    expect(said).toContain('tidings: expected to stop within 20 ms, got no end');
});

test('exits with 1 at once on a second signal', async () => {
    const { signals, exited } = run({ start: async () => ({ stop: () => never }), sameSignalMs: 0 });
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    expect(await exited).toBe(1);
});

test('takes a signal that npm passes on for the one the terminal sent', async () => {
    const { signals, exits } = run({ start: async () => ({ stop: () => never }) });
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    expect(exits).toEqual([]);
});

test('exits with 1 when stopping fails, and rejects when starting does', async () => {
    const failing = run({ start: async () => ({ stop: () => Promise.reject(new Error('stuck')) }) });
    failing.signals.emit('SIGTERM');
    expect(await failing.exited).toBe(1);
    expect(failing.said).toContain('tidings: stuck');
    await expect(run({ start: () => Promise.reject(new Error('no start')) }).ended).rejects.toThrow('no start');
});

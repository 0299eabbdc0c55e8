/** What a command may touch of the process it runs in, so that tests can run commands in theirs. */

import { text } from 'node:stream/consumers';
import { type Config, loadConfig } from '../config.ts';

/** The outside of a command. */
export type Terminal = {
    /** Prints a line of result. */
    out(line: string): void;
    /** Prints a line about the result, or what went wrong. */
    err(line: string): void;
    /** Whether somebody can type. */
    readonly interactive: boolean;
    /** All of standard input. */
    input(): Promise<string>;
    config(): Config;
};

/** The real one. */
export const terminal: Terminal = {
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    interactive: process.stdin.isTTY === true,
    input: () => text(process.stdin),
    config: () => loadConfig(),
};

/** A terminal for tests that remembers what was printed. */

import type { Terminal } from '../../src/cli/terminal.ts';
import { type Environment, loadConfig } from '../../src/config.ts';

export type FakeTerminal = Terminal & { readonly printed: string[]; readonly told: string[] };

/** A terminal nobody types at, with an environment and maybe something on standard input. */
export function fakeTerminal(env: Environment, input = ''): FakeTerminal {
    const printed: string[] = [];
    const told: string[] = [];
    return {
        printed,
        told,
        out: (line) => printed.push(line),
        err: (line) => told.push(line),
        interactive: false,
        input: async () => input,
        config: () => loadConfig(env),
    };
}

/** Starts `doomed-sender.mjs`. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DUE, environmentOf } from './post-office.ts';

/** Where it comes to grief: the call of a function in `tidings`. */
export type Fate = { readonly when: 'before' | 'after' | 'instead'; readonly of: string };

export type DoomedSender = {
    /** Kills it; resolves when it is dead. */
    kill(): Promise<void>;
    /** How it ended: its exit code, or the signal it died of. */
    readonly ended: Promise<number | string>;
};

const PROGRAM = fileURLToPath(new URL('doomed-sender.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/worker/index.js', import.meta.url));

/** Starts one at `DUE`; without a fate it does its work and ends. */
export function startDoomedSender(databaseUrl: string, smtpUrl: string, fate?: Fate): DoomedSender {
    if (!existsSync(BUILT)) throw new Error(`expected ${BUILT} to be built, got nothing; run: npm run build`);
    const given = JSON.stringify({ env: environmentOf(databaseUrl, smtpUrl), at: DUE, fate });
    const child = spawn(process.execPath, [PROGRAM, given], { env: {}, stdio: ['ignore', 'inherit', 'inherit'] });
    const ended = once(child, 'exit').then(([code, signal]): number | string => code ?? signal);
    return {
        async kill() {
            child.kill('SIGKILL');
            await ended;
        },
        ended,
    };
}

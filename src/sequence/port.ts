/** The sequencer's port on a session of its own: it holds a lock, and a hung connection must not hang the sequencer. */

import type { Observe } from '../observe.ts';
import { SERVER_ROLE } from '../store/connect.ts';
import { fallAsleep, runSequencer, stayAwake } from '../store/run-sequencer.ts';
import { createSession } from '../store/session.ts';
import type { SequencerPort } from './runner.ts';

const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 1_000;
const DEADLINE_MS = 12_000;
const PATIENCE_MS = 2_000;

/** It asks every second at least: one that asks nothing for so long is frozen or cut off, and must not hold the wake lock. */
const IDLE_TIMEOUT_MS = 5_000;

/** A port on the database at `url`. Timeouts are the server's too, so a frozen process never keeps the runner's lock. */
export function createSequencerPort(url: string, observe: Observe): SequencerPort {
    const session = createSession(url, {
        name: 'tidings sequencer',
        role: SERVER_ROLE,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        lockTimeoutMs: LOCK_TIMEOUT_MS,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        deadlineMs: DEADLINE_MS,
        patienceMs: PATIENCE_MS,
        observe,
    });
    return {
        run: () => session.ask(runSequencer),
        stayAwake: () => session.ask(stayAwake),
        fallAsleep: () => session.ask(fallAsleep),
        close: () => session.close(),
    };
}

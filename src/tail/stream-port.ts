/** The tail's read on a session of its own: a hung connection must not hang it, and no pool can starve it. */

import type { Observe } from '../observe.ts';
import { SERVER_ROLE } from '../store/connect.ts';
import { type Cursor, readStream, type StreamPage } from '../store/read-stream.ts';
import { createSession } from '../store/session.ts';

const STATEMENT_TIMEOUT_MS = 10_000;
const DEADLINE_MS = 12_000;
const PATIENCE_MS = 2_000;

/** After everything: reads no row, only where the stream is. */
const NOWHERE: Cursor = { gseq: Number.MAX_SAFE_INTEGER, sequencedAt: 'infinity' };

/** Reads of the stream at `url`, which may be a standby. */
export function createStreamPort(
    url: string,
    observe: Observe,
): { read(cursor: Cursor | null, limit: number): Promise<StreamPage>; close(): Promise<void> } {
    const session = createSession(url, {
        name: 'tidings tail',
        role: SERVER_ROLE,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        deadlineMs: DEADLINE_MS,
        patienceMs: PATIENCE_MS,
        overLog: true,
        observe,
    });
    return {
        read: (cursor, limit) => session.ask((sql) => readStream(sql, cursor ?? NOWHERE, limit)),
        close: () => session.close(),
    };
}

/** Servers that are wrong on purpose, and the runs that show it: a checker is worth as much as it objects to. */

import type { Sql } from 'postgres';

/** One way to be wrong: edits of compiled modules, or of a function in the database. */
export type Mutant = {
    readonly name: string;
    readonly edits?: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
    readonly sql?: readonly { readonly signature: string; readonly find: string; readonly replace: string }[];
    /** What makes it bite. */
    readonly faults: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly padBytes?: number;
    readonly stallMs?: number;
    readonly seconds?: number;
};

const SEQUENCE = 'tidings.sequence()';
const OUTBOX = '/src/socket/outbox.js';

export const MUTANTS: readonly Mutant[] = [
    {
        name: 'naive id > cursor',
        sql: [
            {
                signature: SEQUENCE,
                find: "        if v_finished <> '{}' or st.prev_xid > pg_snapshot_xmax(st.prev) then",
                replace: '        if false then',
            },
        ],
        faults: [],
    },
    {
        name: '(xid, id) order',
        sql: [
            { signature: SEQUENCE, find: 'order by c.id)', replace: 'order by c.xid, c.id)' },
            {
                signature: SEQUENCE,
                find: 'select e.id, e.at, e.topic, e.event',
                replace: 'select e.xid, e.id, e.at, e.topic, e.event',
            },
            {
                signature: 'tidings.order_access(bigint[], timestamptz[], text[])',
                find: "order by o.place, o.topic <> 'tidings:access', o.id",
                replace: 'order by o.xid, o.id',
            },
        ],
        // What two transactions wrote to one row must be numbered in one run.
        faults: ['server frozen'],
    },
    {
        name: 'drop 1 in 1000',
        edits: [
            {
                file: OUTBOX,
                find: 'push(item, owner) {',
                replace: 'push(item, owner) { if (Math.random() < 0.001) return;',
            },
        ],
        faults: [],
    },
    {
        name: 'duplicate 1 in 1000',
        edits: [
            {
                file: OUTBOX,
                find: 'push(item, owner) {',
                replace:
                    'push(item, owner) { if (Math.random() < 0.001) { this.#items.push(item); this.#owners.push(owner); }',
            },
        ],
        faults: [],
    },
    {
        name: 'swap neighbours',
        edits: [
            {
                file: OUTBOX,
                find: 'flush() {',
                replace: `flush() {
                    for (let n = 1; n < this.#items.length; n += 1) {
                        if (this.#owners[n] === null || this.#owners[n] !== this.#owners[n - 1]) continue;
                        [this.#items[n - 1], this.#items[n]] = [this.#items[n], this.#items[n - 1]];
                        break;
                    }`,
            },
        ],
        faults: [],
        env: { SEQUENCE_INTERVAL_MS: '100' },
    },
    {
        name: 'authorisation skipped',
        edits: [
            {
                file: '/src/store/topic-log.js',
                find: 'head: Number(row.head)',
                replace: 'allowed: true, head: Number(row.head)',
            },
        ],
        faults: [],
    },
    {
        name: 'cursor advanced before send',
        edits: [{ file: '/src/socket/subscription.js', find: 'unsent(item) {', replace: 'unsent(item) { return;' }],
        faults: ['clients stalled'],
        // More than the system's own buffers take.
        padBytes: 7500,
        stallMs: 12_000,
        seconds: 30,
    },
    {
        name: 'replay overlapping live',
        edits: [
            {
                file: '/src/socket/place.js',
                find: '.filter(({ seq }) => seq > this.cursor)',
                replace: '',
            },
        ],
        faults: ['clients gone'],
    },
    {
        name: 'reset suppressed',
        edits: [{ file: '/src/socket/handover.js', find: 'this.#owed = notice;', replace: '' }],
        faults: ['epoch begun', 'capture broken'],
    },
    {
        name: 'reset for nothing',
        edits: [
            {
                file: '/src/socket/subscription.js',
                find: "pin.resumable && near ? 'resumed' : 'reset'",
                replace: "pin.resumable && near && Math.random() < 0.9 ? 'resumed' : 'reset'",
            },
        ],
        faults: ['clients gone'],
    },
    {
        name: 'revoke ignored',
        edits: [{ file: '/src/fanout/hub.js', find: 'callbacks.onAccess?.(', replace: 'void (' }],
        faults: [],
    },
];

/** Edits the mutant's functions in a database. */
export async function alterDatabase(sql: Sql, { sql: changes = [] }: Mutant): Promise<void> {
    for (const { signature, find, replace } of changes) {
        const [row] = await sql<{ definition: string }[]>`
            select pg_get_functiondef(${signature}::regprocedure) as definition`;
        const definition = row?.definition ?? '';
        if (!definition.includes(find)) throw new Error(`expected ${signature} to contain ${find}`);
        await sql.unsafe(definition.replaceAll(find, replace));
    }
}

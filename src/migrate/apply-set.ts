/** Brings one set up to date: migrations, then functions, then maybe seed data. */

import { applyFile } from './apply-file.ts';
import { FUNCTIONS_KEY, makeLedger, noteHash, noteVersion, readLedger } from './ledger.ts';
import type { MigrationFile } from './migration-file.ts';
import type { MigrationSet, SqlFile } from './migration-set.ts';
import type { Session } from './session.ts';
import { refuseProblems, statusOf } from './status.ts';

/** A file that was applied: the set's name, the file's (or `functions`), and how long it took. */
export type Applied = { readonly set: string; readonly name: string; readonly tookMs: number };

/** Hears of a file as soon as it is applied. */
export type OnApplied = (applied: Applied) => void;

/** Applies all that is pending of one set. The caller holds the lock. */
export async function applySet(
    sql: Session,
    set: MigrationSet,
    { seed, onApplied }: { readonly seed: boolean; readonly onApplied: OnApplied },
): Promise<void> {
    await makeLedger(sql, set.schema);
    const ledger = await readLedger(sql, set.schema);
    const status = statusOf(set, ledger);
    refuseProblems(status);

    async function timed(name: string, work: () => Promise<void>): Promise<void> {
        const startedAt = performance.now();
        await work();
        onApplied({ set: set.name, name, tookMs: performance.now() - startedAt });
    }

    const pending = set.migrations.filter((file) => !ledger.versions.includes(file.version));
    for (const file of pending) await timed(file.name, () => applyMigration(sql, set.schema, file));
    // Those dbmate applied are taken for what the files say now.
    for (const file of set.migrations.filter(({ version }) => !ledger.hashes.has(version))) {
        await noteHash(sql, set.schema, file.version, file.sha256);
    }
    if (set.functions.length > 0 && (pending.length > 0 || status.functions === 'pending')) {
        await timed(FUNCTIONS_KEY, () => applyFunctions(sql, set));
    }
    if (seed && set.seedFile !== null && (await isEmpty(sql, set.seedTable))) {
        await timed(set.seedFile.name, () => applySeed(sql, set));
    }
}

async function applyMigration(sql: Session, schema: string, file: MigrationFile): Promise<void> {
    await applyFile(sql, {
        parts: [{ name: file.name, sql: file.up.sql, line: file.up.line }],
        transaction: file.up.transaction,
        role: null,
        note: async () => {
            await noteVersion(sql, schema, file.version);
            await noteHash(sql, schema, file.version, file.sha256);
        },
    });
}

/** A body may name a function that a later file makes. */
const UNCHECKED_BODIES: SqlFile = { name: FUNCTIONS_KEY, sql: 'set local check_function_bodies = off' };

/** All in one transaction, in the order of their names. */
async function applyFunctions(sql: Session, set: MigrationSet): Promise<void> {
    await applyFile(sql, {
        parts: [UNCHECKED_BODIES, ...set.functions].map((file) => ({ ...file, line: 1 })),
        transaction: true,
        role: set.role,
        note: () => noteHash(sql, set.schema, FUNCTIONS_KEY, set.functionsSha256),
    });
}

async function applySeed(sql: Session, { seedFile, role }: MigrationSet): Promise<void> {
    const parts = seedFile === null ? [] : [{ ...seedFile, line: 1 }];
    await applyFile(sql, { parts, transaction: true, role, note: async () => {} });
}

async function isEmpty(sql: Session, table: string | null): Promise<boolean> {
    return table !== null && (await sql`select from ${sql(table)} limit 1`).length === 0;
}

/** A migration set in a temporary directory, for tests of the runner. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SetSource } from '../../src/migrate/index.ts';

/** A set that can be written to; gone when the test is. */
export type TemporarySet = SetSource & {
    /** Writes `migrations/<name>` with an up block. */
    migration(name: string, up: string, options?: string): void;
    /** Writes any file of the set. */
    write(path: string, text: string): void;
    remove(path: string): void;
};

/** An empty set whose table is `sample.schema_migrations`. */
export function temporarySet(overrides: Partial<SetSource> = {}): TemporarySet {
    const directory = mkdtempSync(join(tmpdir(), 'tidings-set-'));
    mkdirSync(join(directory, 'migrations'));
    mkdirSync(join(directory, 'functions'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    function write(path: string, text: string): void {
        writeFileSync(join(directory, path), text);
    }
    return {
        name: 'sample',
        directory,
        schema: 'sample',
        role: null,
        seedTable: null,
        ...overrides,
        write,
        migration: (name, up, options = '') =>
            write(`migrations/${name}`, `-- migrate:up${options}\n${up}\n\n-- migrate:down\n`),
        remove: (path) => rmSync(join(directory, path)),
    };
}

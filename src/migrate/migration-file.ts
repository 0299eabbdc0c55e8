/** One migration file in dbmate's format: a number, an up block, a down block. */

import { createHash } from 'node:crypto';
import { TidingsError } from '../errors.ts';

/** Statements to send as they are; `line` is where they begin in the file. */
export type Block = { readonly sql: string; readonly transaction: boolean; readonly line: number };

/** A parsed file. `version` is the number its name begins with, as text; `sha256` is of its text with LF line ends. */
export type MigrationFile = {
    readonly version: string;
    readonly name: string;
    readonly sha256: string;
    readonly up: Block;
    readonly down: Block;
};

const NAME_PATTERN = /^(\d+).*\.sql$/;
const UP_PATTERN = /^--\s*migrate:up(?:[^\S\n]+\S.*)?\s*?$/m;
const DOWN_PATTERN = /^--\s*migrate:down(?:[^\S\n]+\S.*)?\s*?$/m;
const COMMENTS_PATTERN = /^(?:\s*(?:--.*)?\n)*$/;

/** Whether a file of this name is a migration. */
export function isMigrationName(name: string): boolean {
    return NAME_PATTERN.test(name);
}

/**
 * Parses a file.
 *
 * @throws TidingsError `failed` where dbmate would refuse it too.
 */
export function parseMigration(name: string, contents: string): MigrationFile {
    const text = withLf(contents);
    const up = text.search(UP_PATTERN);
    const down = text.search(DOWN_PATTERN);
    if (up < 0) throw malformed(name, "a line '-- migrate:up'", 'none');
    if (down < 0) throw malformed(name, "a line '-- migrate:down'", 'none');
    if (down < up) throw malformed(name, "'-- migrate:up' to come first", "'-- migrate:down' before it");
    if (!COMMENTS_PATTERN.test(text.slice(0, up))) {
        throw malformed(name, "only comments before '-- migrate:up'", 'statements');
    }
    return {
        version: NAME_PATTERN.exec(name)?.[1] ?? '',
        name,
        sha256: sha256(text),
        up: blockOf(text, up, down),
        down: blockOf(text, down, text.length),
    };
}

/** Line ends as git has them on every system but Windows, so that a checkout there is the same file. */
export function withLf(text: string): string {
    return text.replaceAll('\r\n', '\n');
}

/** Hex digest of a text. */
export function sha256(text: string): string {
    return createHash('sha256').update(text).digest('hex');
}

function blockOf(text: string, start: number, end: number): Block {
    const sql = text.slice(start, end);
    const directive = sql.slice(0, sql.indexOf('\n'));
    return {
        sql,
        transaction: !/\stransaction:false(\s|$)/.test(directive),
        line: text.slice(0, start).split('\n').length,
    };
}

function malformed(name: string, expected: string, got: string): TidingsError {
    return new TidingsError('failed', `expected ${expected} in migration ${name}, got ${got}`);
}

import { expect, test } from 'vitest';
import { isMigrationName, parseMigration } from '../../src/migrate/migration-file.ts';

const WHOLE = '-- What it is for.\n\n-- migrate:up\ncreate table t ();\n\n-- migrate:down\ndrop table t;\n';

test('reads number, blocks and where they begin', () => {
    expect(parseMigration('0007_things.sql', WHOLE)).toEqual({
        version: '0007',
        name: '0007_things.sql',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        up: { sql: '-- migrate:up\ncreate table t ();\n\n', transaction: true, line: 3 },
        down: { sql: '-- migrate:down\ndrop table t;\n', transaction: true, line: 6 },
    });
});

test('reads transaction:false of each block by itself', () => {
    const text = '-- migrate:up transaction:false\nvacuum;\n--migrate:down  transaction:true\n';
    const { up, down } = parseMigration('1.sql', text);
    expect([up.transaction, down.transaction]).toEqual([false, true]);
});

test('takes a file with CRLF for the same file', () => {
    expect(parseMigration('1.sql', WHOLE.replaceAll('\n', '\r\n'))).toEqual(parseMigration('1.sql', WHOLE));
});

test.each([
    ['-- migrate:down\n', "expected a line '-- migrate:up' in migration 1.sql, got none"],
    ['-- migrate:up\n', "expected a line '-- migrate:down' in migration 1.sql, got none"],
    [
        '-- migrate:down\n-- migrate:up\n',
        "expected '-- migrate:up' to come first in migration 1.sql, got '-- migrate:down' before it",
    ],
    [
        'create table early ();\n-- migrate:up\n-- migrate:down\n',
        "expected only comments before '-- migrate:up' in migration 1.sql, got statements",
    ],
])('refuses %j', (text, message) => {
    expect(() => parseMigration('1.sql', text)).toThrow(message);
});

test('knows migrations by their names', () => {
    expect(['0001_a.sql', '20261122100000_b.sql', '7.sql'].map(isMigrationName)).not.toContain(false);
    expect(['readme.md', 'a_0001.sql', '0001_a.sql.bak'].map(isMigrationName)).not.toContain(true);
});

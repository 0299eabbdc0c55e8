import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VARIABLES, type Variable } from '../../src/config/variables.ts';

const TEXT = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8');

/** Rows of the tables: name → default as written. */
const ROWS = new Map(
    [...TEXT.matchAll(/^\| `([A-Z_]+)` +\| (.*?) +\| .* \|$/gm)].map(([, name = '', written = '']) => [name, written]),
);

test.each(Object.entries(VARIABLES))('docs/config.md has %s with its default', (name, variable: Variable<unknown>) => {
    const expected = variable.fallback === null ? variable.unset : `\`${variable.fallback}\``;
    expect(ROWS.get(name)).toBe(expected);
});

test('docs/config.md has no variable that there is not', () => {
    expect([...ROWS.keys()].filter((name) => !(name in VARIABLES))).toEqual([]);
});

test('docs/config.md says which variables are secrets', () => {
    const secrets = Object.entries(VARIABLES).filter(([, variable]) => variable.secret);
    for (const [name] of secrets) expect(TEXT).toContain(`\`${name}_FILE\``);
});

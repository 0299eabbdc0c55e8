import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RULES, type Rule } from './rules.ts';
import { readSources, sourceOf } from './source.ts';

const SOURCES = readSources(fileURLToPath(new URL('../..', import.meta.url)));

describe('of this code', () => {
    test('there are sources to check', () => {
        expect(SOURCES.length).toBeGreaterThan(20);
        expect(SOURCES.find(({ path }) => path === 'src/config.ts')?.imports).toContain('src/errors.ts');
    });

    test.each(Object.entries(RULES))('%s', (_, rule) => {
        expect(rule(SOURCES)).toEqual([]);
    });
});

/** Checks planted sources, given as path → text; a header is put before each. */
function check(name: string, planted: Readonly<Record<string, string>>): readonly string[] {
    const rule: Rule | undefined = RULES[name];
    if (rule === undefined) throw new TypeError(`expected a rule, got ${name}`);
    return rule(Object.entries(planted).map(([path, text]) => sourceOf(path, `/** A file. */\n${text}`)));
}

describe('a planted violation is objected to:', () => {
    test.each([
        ['up the ranks', 'src/store/a.ts', "import { x } from '../tail/b.ts';", 'src/tail/b.ts'],
        ['sideways', 'src/tail/a.ts', "import type { x } from '../fanout/b.ts';", 'src/fanout/b.ts'],
        ['sideways, lazily', 'src/socket/a.ts', "const x = await import('../rest/b.ts');", 'src/rest/b.ts'],
        ['sideways, handed on', 'src/auth/a.ts', "export { x } from '../store/b.ts';", 'src/store/b.ts'],
        ['for its effect', 'src/errors.ts', "import './config.ts';", 'src/config.ts'],
        ['from the client', 'src/client/a.ts', "import { x } from '../errors.ts';", 'src/errors.ts'],
    ])('an import %s', (_, path, text, target) => {
        expect(check('imports go down the ranks', { [path]: text })).toEqual([`${path} imports ${target}`]);
    });

    test('a stage without a rank', () => {
        expect(check('imports go down the ranks', { 'src/magic/a.ts': '' })).toHaveLength(1);
    });

    test('a cycle of three, once', () => {
        const planted = {
            'src/tail/a.ts': "import { b } from './b.ts';",
            'src/tail/b.ts': "import type { c } from './c.ts';",
            'src/tail/c.ts': "export { a } from './a.ts';",
        };
        expect(check('no file imports itself by way of others', planted)).toEqual([
            'src/tail/a.ts → src/tail/b.ts → src/tail/c.ts → src/tail/a.ts',
        ]);
    });

    test.each([
        'const port = process.env.PORT;',
        "const port = process['env'].PORT;",
        'const { env } = process;',
        "import { env } from 'node:process';",
    ])('the environment read elsewhere: %s', (text) => {
        const rule = 'the environment is read in src/config.ts only';
        expect(check(rule, { 'src/rest/a.ts': text })).toEqual(['src/rest/a.ts reads the environment']);
        expect(check(rule, { 'src/config.ts': text })).toEqual([]);
    });

    test('uWebSockets.js imported elsewhere', () => {
        const text = "import uws from 'uWebSockets.js';";
        const rule = 'uWebSockets.js is imported in src/http only';
        expect(check(rule, { 'src/socket/a.ts': text, 'src/http/a.ts': text })).toEqual([
            'src/socket/a.ts imports uWebSockets.js',
        ]);
    });

    test('console used elsewhere', () => {
        const text = "console.log('hello');";
        expect(check('console is used in src/cli only', { 'src/tail/a.ts': text, 'src/cli/a.ts': text })).toEqual([
            'src/tail/a.ts uses console',
        ]);
    });

    test('a file without a header', () => {
        const rule = RULES['every file says first what it is'];
        expect(rule?.([sourceOf('src/tail/a.ts', 'export const a = 1;')])).toHaveLength(1);
        expect(rule?.([sourceOf('src/cli/a.ts', '#!/usr/bin/env node\n/** Says. */\n')])).toEqual([]);
    });

    test('a bag of things', () => {
        const planted = {
            'src/tail/utils.ts': '',
            'src/rest/date-helpers.ts': '',
            'src/rest/lib/a.ts': '',
            'src/rest/library.ts': '',
        };
        expect(check('every file is named for one idea', planted)).toHaveLength(3);
    });
});

test('what stands in a comment is not code', () => {
    const text = "// process.env and console.log(1)\n/* import { x } from '../cli/a.ts'; */\nconst url = 'http://x';";
    const source = sourceOf('src/store/a.ts', `/** A file. */\n${text}`);
    for (const rule of Object.values(RULES)) expect(rule([source])).toEqual([]);
    expect(source.code).toContain("'http://x'");
});

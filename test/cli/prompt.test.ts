import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runPrompt } from '../../src/cli/prompt.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { fakeTerminal } from './fake-terminal.ts';

let database: TestDatabase;
beforeAll(async () => {
    database = await openDatabase({ empty: true });
});
afterAll(() => database.close());

test('runs statements over several lines, goes on after an error, and leaves at \\q', async () => {
    const input = new PassThrough();
    const terminal = fakeTerminal({});
    const done = runPrompt(database.sql, terminal, false, { input, output: new PassThrough() });
    input.end('select 1\n  as one;\nselect nonsense;\nselect 2 as two;\n\\q\nselect 3 as three;\n');
    await done;
    expect(terminal.printed).toEqual(['one', '---', '1', 'two', '---', '2']);
    expect(terminal.told).toEqual(['(1 row)', 'column "nonsense" does not exist [42703]', '(1 row)']);
});

/** The run of `npm run fuzz`, small: random inputs to a server process, nobody harmed. */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { play } from './play.ts';
import { tableOf, verdictOf } from './report.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/tidings.js', import.meta.url));
const INPUTS = 8000;

let database: TestDatabase;
beforeAll(async () => {
    database = await openDatabase({ example: true });
});
afterAll(async () => await database.close());

test('random frames and requests end nothing but their own connections', async () => {
    const { url: databaseUrl, sql } = database;
    const played = await play({
        program: PROGRAM,
        databaseUrl,
        sql,
        seed: 20_261_122,
        inputs: INPUTS,
        mostMs: 40_000,
        restMs: 500,
    });
    console.log(tableOf(played).join('\n'));
    expect(verdictOf(played)).toEqual([]);
    // Bounded in time: a slow machine may not get through them all.
    expect(played.main.inputs).toBeGreaterThan(INPUTS / 4);
    expect(played.limited.lines.get('socket.limited')).toBeGreaterThan(0);
    expect(played.under.pongMs.length).toBeGreaterThan(0);
}, 90_000);

/** The parser of client frames, given what is made of texts that led somewhere new. */

import { startCoverage } from './coverage.ts';
import { createDice, type Dice } from './dice.ts';
import { randomJson, spoilField, spoilText } from './json.ts';
import { shapeOf, wrongWith } from './parser-oracle.ts';

/** What a run is like. */
export type ParserOptions = { readonly inputs: number; readonly seed: number; readonly mostMs: number };

/** What came of it. */
export type ParserRun = { readonly lines: readonly string[]; readonly crashes: readonly string[] };

const SCRIPTS = ['/protocol/client-frame.js', '/protocol/describe.js'];
/** Coverage is looked at once per so many inputs, as that takes longer than they do. */
const BATCH = 500;
const SEEDS = [
    '{"type":"subscribe","topic":"project:17","since":128,"epoch":"k3","ref":"a"}',
    '{"type":"subscribe","topics":[{"topic":"project:17","since":1,"epoch":"k3"},{"topic":"user:1"}],"ref":"b"}',
    '{"type":"unsubscribe","topic":"project:17","ref":"c"}',
    '{"type":"auth","token":"a.b.c","ref":"d"}',
    '{"type":"ping"}',
    '[]',
    '"',
];

/** Runs until so many inputs were tried. */
export async function fuzzParser({ inputs, seed, mostMs }: ParserOptions): Promise<ParserRun> {
    const dice = createDice(seed);
    const coverage = await startCoverage(SCRIPTS);
    const corpus = [...SEEDS];
    const shapes = new Set<string>();
    const crashes: string[] = [];
    const endMs = performance.now() + mostMs;
    const begunMs = performance.now();
    let executions = 0;

    function execute(text: string): void {
        executions += 1;
        const wrong = wrongWith(text);
        if (wrong !== null) crashes.push(`${wrong} for ${JSON.stringify(text.slice(0, 500))}`);
        if (wrong !== null || shapes.has(shapeOf(text))) return;
        shapes.add(shapeOf(text));
        corpus.push(text);
    }

    for (const text of SEEDS) execute(text);
    await coverage.take();
    while (executions < inputs && performance.now() < endMs && crashes.length < 20) {
        const batch = Array.from({ length: BATCH }, () => mutated(dice, corpus));
        const known = corpus.length;
        for (const text of batch) execute(text);
        // New blocks show in a new answer as a rule; where they don't, all of the batch is kept to be gone on from.
        if ((await coverage.take()) > 0 && corpus.length === known) corpus.push(...batch);
    }
    const tookS = (performance.now() - begunMs) / 1000;
    await coverage.stop();
    const covered = coverage.summary().map(({ name, covered: done, all }) => `${name} ${done} of ${all}`);
    return {
        lines: [
            `${executions} executions in ${tookS.toFixed(0)} s (${(executions / tookS).toFixed(0)}/s)`,
            `characters of functions executed: ${covered.join(', ')}`,
            `corpus ${corpus.length}, kinds of answer ${shapes.size}, crashes ${crashes.length}`,
        ],
        crashes,
    };
}

function mutated(dice: Dice, corpus: readonly string[]): string {
    const text = dice.pickAny(corpus) ?? '';
    switch (dice.below(6)) {
        case 0:
            return JSON.stringify(randomJson(dice, 4));
        case 1:
            return text.slice(0, dice.below(text.length)) + (dice.pickAny(corpus) ?? '').slice(dice.below(text.length));
        case 2:
            return respoiled(dice, text);
        default:
            return spoilText(dice, text).slice(0, 16_384);
    }
}

function respoiled(dice: Dice, text: string): string {
    try {
        const value: unknown = JSON.parse(text);
        if (typeof value === 'object' && value !== null) return JSON.stringify(spoilField(dice, value));
    } catch {
        // Not JSON any more.
    }
    return spoilText(dice, text);
}

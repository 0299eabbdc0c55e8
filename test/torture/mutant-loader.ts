/** Module hooks that edit one compiled module of the server as it is loaded. A text that is not there is an error. */

import { MUTANTS } from './mutants.ts';

type Loaded = { readonly format: string; readonly source?: string | Uint8Array; readonly shortCircuit?: boolean };
type NextLoad = (url: string, context: unknown) => Promise<Loaded>;

let edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[] = [];

/** Called once with the mutant's name. */
export function initialize(name: string): void {
    const mutant = MUTANTS.find((known) => known.name === name);
    if (mutant === undefined) throw new Error(`expected a mutant, got ${name}`);
    edits = mutant.edits ?? [];
}

/** Called for every module. */
export async function load(url: string, context: unknown, nextLoad: NextLoad): Promise<Loaded> {
    const loaded = await nextLoad(url, context);
    const mine = edits.filter(({ file }) => url.endsWith(file));
    if (mine.length === 0) return loaded;
    let source = Buffer.from(loaded.source ?? '').toString();
    for (const { file, find, replace } of mine) {
        if (!source.includes(find)) throw new Error(`expected ${file} to contain ${find}`);
        source = source.replace(find, replace);
    }
    return { ...loaded, source };
}

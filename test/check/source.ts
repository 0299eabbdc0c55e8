/** TypeScript sources as the architecture check sees them: a path, the code without comments, what it imports. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** One file. `path` begins with `src/`; imports of ours are paths like it, those of packages their names. */
export type Source = {
    readonly path: string;
    readonly text: string;
    readonly code: string;
    readonly imports: readonly string[];
};

const STRINGS_OR_COMMENTS = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]+)\1/g;

/** Makes a source of a path and its text. */
export function sourceOf(path: string, text: string): Source {
    const code = text.replace(STRINGS_OR_COMMENTS, (_, literal: string | undefined) => literal ?? ' ');
    const imports = [...code.matchAll(IMPORTS)].map(([, , name = '']) =>
        name.startsWith('.') ? normalize(join(dirname(path), name)) : name,
    );
    return { path, text, code, imports };
}

/** Every TypeScript file under `src`. */
export function readSources(root: string): readonly Source[] {
    return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => sourceOf(join('src', name), readFileSync(join(root, 'src', name), 'utf8')));
}

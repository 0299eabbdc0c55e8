/** The rules of the architecture, each a function from all sources to what is wrong with them. */

import type { Source } from './source.ts';

/** Says what is wrong, a line each; nothing if all is well. */
export type Rule = (sources: readonly Source[]) => readonly string[];

/** Stages from the ground up; imports go down only, and stages of one rank don't know each other. */
const RANKS: readonly (readonly string[])[] = [
    ['event', 'errors', 'service', 'observe'],
    ['bursts', 'config', 'database-url', 'network', 'pause', 'within'],
    ['log'],
    ['protocol', 'store', 'auth', 'mail', 'embedded', 'catcher', 'migrate'],
    ['sequence', 'tail', 'fanout'],
    ['socket', 'rest', 'worker', 'client'],
    ['example'],
    ['http', 'provisions'],
    ['main'],
    ['cli'],
];

/** The first of the ranks may import among themselves: they are the nouns, and each is one file. */
const NOUNS = RANKS[0] ?? [];

/** The stage a file is of: the first name under `src`. */
function stageOf(path: string): string {
    return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

function rankOf(stage: string): number {
    return RANKS.findIndex((stages) => stages.includes(stage));
}

/** Imports go down the ranks; `client` imports only `protocol`. */
const importsGoDown: Rule = (sources) =>
    sources.flatMap(({ path, imports }) => {
        const from = stageOf(path);
        if (rankOf(from) < 0) return [`${path}: expected a stage that has a rank, got ${from}`];
        const ours = imports.filter((name) => name.startsWith('src/'));
        return ours.filter((name) => !mayImport(from, stageOf(name))).map((name) => `${path} imports ${name}`);
    });

function mayImport(from: string, to: string): boolean {
    if (from === to) return true;
    if (from === 'client') return to === 'protocol';
    return rankOf(to) < rankOf(from) || (NOUNS.includes(from) && NOUNS.includes(to));
}

/** No file imports itself by way of others, not even for types. */
const noCycles: Rule = (sources) => {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const done = new Set<string>();
    const found: string[] = [];
    function visit(path: string, trail: readonly string[]): void {
        const at = trail.indexOf(path);
        if (at >= 0) found.push([...trail.slice(at), path].join(' → '));
        if (at >= 0 || done.has(path)) return;
        for (const next of byPath.get(path)?.imports ?? []) visit(next, [...trail, path]);
        done.add(path);
    }
    for (const { path } of sources) visit(path, []);
    return found;
};

/** `process.env` is read in `src/config.ts`. */
const environmentIsReadOnce: Rule = (sources) =>
    where(
        sources,
        (path) => path === 'src/config.ts',
        /process\s*\??\.\s*env\b|process\s*\[\s*['"]env|\{[^}]*\benv\b[^}]*\}\s*(?:=\s*process\b|from\s*['"](?:node:)?process)/,
        'reads the environment',
    );

/** `uWebSockets.js` is imported in `src/http`. */
const socketsLibraryStaysInHttp: Rule = (sources) =>
    where(
        sources,
        (path) => path.startsWith('src/http/'),
        /['"]u(?:WebSockets\.js|websockets)['"]/i,
        'imports uWebSockets.js',
    );

/** `console` is for the command line. */
const consoleStaysInCli: Rule = (sources) =>
    where(sources, (path) => path.startsWith('src/cli/'), /\bconsole\s*[.[]/, 'uses console');

/** Every file says in its first line what it is. */
const filesSayWhatTheyAre: Rule = (sources) =>
    sources
        .filter(({ text }) => !/^(?:#!.*\n)?\/\*\*(?: \S|\n \* \S)/.test(text))
        .map(({ path }) => `${path}: expected a header comment first, got none`);

/** No file is named for being a bag. */
const filesAreNamedForOneIdea: Rule = (sources) =>
    sources
        .filter(({ path }) => /(?:^|\/|-)(?:utils?|helpers?|common|types|lib|misc)(?:\.ts$|\/)/.test(path))
        .map(({ path }) => `${path}: expected the name of one idea`);

/** All of them, by what they promise. */
export const RULES: Readonly<Record<string, Rule>> = {
    'imports go down the ranks': importsGoDown,
    'no file imports itself by way of others': noCycles,
    'the environment is read in src/config.ts only': environmentIsReadOnce,
    'uWebSockets.js is imported in src/http only': socketsLibraryStaysInHttp,
    'console is used in src/cli only': consoleStaysInCli,
    'every file says first what it is': filesSayWhatTheyAre,
    'every file is named for one idea': filesAreNamedForOneIdea,
};

function where(
    sources: readonly Source[],
    isAllowed: (path: string) => boolean,
    pattern: RegExp,
    does: string,
): readonly string[] {
    return sources
        .filter(({ path, code }) => !isAllowed(path) && pattern.test(code))
        .map(({ path }) => `${path} ${does}`);
}

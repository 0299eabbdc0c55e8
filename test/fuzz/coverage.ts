/** Which characters of some scripts have been executed, as V8 counts it, block by block. */

import { type Profiler, Session } from 'node:inspector/promises';

/** Coverage that adds up. */
export type Coverage = {
    /** Adds what was executed since the last call; how many characters were new. */
    take(): Promise<number>;
    /** Executed and not executed characters by script, of functions alone. */
    summary(): { readonly name: string; readonly covered: number; readonly all: number }[];
    stop(): Promise<void>;
};

/** Begins to count, for scripts whose URL ends in one of `names`. */
export async function startCoverage(names: readonly string[]): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    const seen = new Map<string, Uint8Array>();

    async function take(): Promise<number> {
        const { result } = await session.post('Profiler.takePreciseCoverage');
        let fresh = 0;
        for (const script of result) {
            const name = names.find((ending) => script.url.endsWith(ending));
            if (name !== undefined) fresh += add(name, executed(script));
        }
        return fresh;
    }

    function add(name: string, now: Uint8Array): number {
        const before = seen.get(name) ?? new Uint8Array(now.length);
        let fresh = 0;
        for (const [place, value] of now.entries()) {
            if (value > (before[place] ?? 0)) {
                fresh += value === EXECUTED ? 1 : 0;
                before[place] = value;
            }
        }
        seen.set(name, before);
        return fresh;
    }

    return {
        take,
        summary: () =>
            [...seen].map(([name, places]) => ({
                name,
                covered: places.filter((value) => value === EXECUTED).length,
                all: places.filter((value) => value > 0).length,
            })),
        async stop() {
            await session.post('Profiler.stopPreciseCoverage');
            session.disconnect();
        },
    };
}

const NOT_EXECUTED = 1;
const EXECUTED = 2;

/** By character: 0 outside of functions; inner blocks come after those around them. The first function is the module. */
function executed({ functions }: Profiler.ScriptCoverage): Uint8Array {
    const endOf = (one: Profiler.FunctionCoverage) => one.ranges[0]?.endOffset ?? 0;
    const places = new Uint8Array(Math.max(0, ...functions.map(endOf)));
    for (const { functionName, ranges } of functions) {
        if (functionName === '') continue;
        for (const { startOffset, endOffset, count } of ranges)
            places.fill(count > 0 ? EXECUTED : NOT_EXECUTED, startOffset, endOffset);
    }
    return places;
}

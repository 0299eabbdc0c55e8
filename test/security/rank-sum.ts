/** Whether two lots of figures can be told apart: the Mann–Whitney test, which asks nothing of how they are spread. */

/** `p`: how likely figures of one source would differ so much; `ahead`: how often one of `b` is above one of `a`, ½ if alike. */
export function rankSum(a: readonly number[], b: readonly number[]): { readonly p: number; readonly ahead: number } {
    const all = [...a.map((value) => ({ value, mine: 0 })), ...b.map((value) => ({ value, mine: 1 }))];
    all.sort((x, y) => x.value - y.value);
    let rankSumOfB = 0;
    for (let from = 0; from < all.length; ) {
        let to = from;
        while (to < all.length && all[to]?.value === all[from]?.value) to += 1;
        // Ties share their mean rank.
        const rank = (from + 1 + to) / 2;
        for (let n = from; n < to; n += 1) rankSumOfB += (all[n]?.mine ?? 0) * rank;
        from = to;
    }
    const u = rankSumOfB - (b.length * (b.length + 1)) / 2;
    const spread = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
    const z = Math.abs(u - (a.length * b.length) / 2) / spread;
    return { p: 2 * upperTail(z), ahead: u / (a.length * b.length) };
}

/** The middle one. */
export function median(values: readonly number[]): number {
    return [...values].sort((x, y) => x - y)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Of the normal distribution (Abramowitz and Stegun 26.2.17, to 7.5e-8). */
function upperTail(z: number): number {
    const t = 1 / (1 + 0.2316419 * z);
    const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** Whether a client takes what a route gives: the `Accept` header of a request (RFC 9110). */

import { TidingsError } from '../errors.ts';

/** @throws TidingsError `not_acceptable` if `accept` excludes `type`. No header, as no range, excludes nothing. */
export function checkAccepts(accept: string | undefined, type: string): void {
    const qualities = new Map((accept ?? '').split(',').map(rangeOf));
    const [group = ''] = type.split('/');
    const quality = qualities.get(type) ?? qualities.get(`${group}/*`) ?? qualities.get('*/*');
    const isAnything = qualities.size === 1 && qualities.has('');
    if (isAnything || (quality ?? 0) > 0) return;
    throw new TidingsError('not_acceptable', `expected Accept to allow ${type}, got ${JSON.stringify(accept)}`);
}

/** A media range and its weight; parameters other than `q` don't matter here. */
function rangeOf(entry: string): readonly [range: string, quality: number] {
    const [range = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return [range, Number.isNaN(quality) ? 1 : quality];
}

/** Entity tags of versioned rows: `ETag` out, `If-Match` in (RFC 9110, strong comparison). */

import { TidingsError } from '../errors.ts';

const TAG = /^(W\/)?"([\x21\x23-\x7e]*)"$/;

/** The tag of a version. */
export function entityTag(version: number): string {
    return `"${version}"`;
}

/**
 * Lets a write go on only if `If-Match`, where sent, names the row's present version or is `*`.
 *
 * @throws TidingsError `precondition_failed` if it names others, `bad_request` if it is no list of tags.
 */
export function checkIfMatch(ifMatch: string | undefined, version: number): void {
    if (ifMatch === undefined || ifMatch.trim() === '*') return;
    const tags = ifMatch.split(',').map((tag) => TAG.exec(tag.trim()));
    if (tags.includes(null)) {
        const message = `expected If-Match to be a list of tags such as ${entityTag(version)}, got ${JSON.stringify(ifMatch)}`;
        throw new TidingsError('bad_request', message, { issues: [{ path: 'header.if-match', message }] });
    }
    // A weak tag never matches.
    if (tags.some((tag) => tag?.[1] === undefined && tag?.[2] === String(version))) return;
    throw new TidingsError('precondition_failed', `expected If-Match to name version ${version}, got ${ifMatch}`);
}

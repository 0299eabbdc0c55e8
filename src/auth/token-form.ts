/** What a token must look like before any cryptography: short, three canonical parts, a header without tricks. */

const TOKEN_MAX_BYTES = 4096;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** Header parameters a token of ours may have; `crit`, `jwk`, `jku`, `x5u`, `x5c`, `b64`, `zip` are not among them. */
const HEADER_FIELDS = new Set(['alg', 'typ', 'kid', 'cty', 'x5t', 'x5t#S256']);
const TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt']);

/**
 * What is wrong with the form of a token, as a short reason for our own logs, or null.
 *
 * Base64url must be canonical: a decoder that ignores padding and spare bits lets one signature be written in many ways.
 */
export function formFault(token: string, algorithms: readonly string[]): string | null {
    if (token.length > TOKEN_MAX_BYTES) return 'too_long';
    const parts = COMPACT.exec(token)?.slice(1);
    if (parts === undefined || !parts.every(isCanonical)) return 'not_compact';
    const header = parseHeader(parts[0] ?? '');
    if (header === null) return 'bad_header';
    if (Object.keys(header).some((name) => !HEADER_FIELDS.has(name))) return 'header_field';
    if (!algorithms.includes(String(header['alg']))) return 'algorithm';
    const { typ } = header;
    if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ.toLowerCase()))) return 'type';
    return null;
}

function isCanonical(part: string): boolean {
    return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function parseHeader(part: string): { readonly [name: string]: unknown; readonly typ?: unknown } | null {
    try {
        const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
        return typeof header === 'object' && header !== null ? { ...header } : null;
    } catch {
        return null;
    }
}

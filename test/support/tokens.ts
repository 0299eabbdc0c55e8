/** Tokens no server may accept, and how to make more: each is wrong in one way, and most are signed with the right key. */

import { createHmac, type KeyLike, sign } from 'node:crypto';

const NOW = Math.floor(Date.now() / 1000);

/** Claims of a good token, if it is signed. */
export const CLAIMS = { sub: '42', exp: NOW + 600 };

/** The same for a server that asks for an issuer and an audience. */
export const ISSUED = { ...CLAIMS, iss: 'idp', aud: 'tidings' };

/** How a kind of key signs: any header over any claims, well-formed or not. */
export type Sign = (payload: unknown, header?: Readonly<Record<string, unknown>>) => string;

/** What is wrong with a token, the token, and the reason a verifier has for its own logs. */
export type BadToken = readonly [what: string, token: string, reason: string];

/** One part of a token. */
export function part(value: unknown): string {
    return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Signs whatever it is given with a shared key. */
export function hs256(payload: unknown, header: unknown = { alg: 'HS256' }, key: string | Buffer = ''): string {
    const signed = `${part(header)}.${part(payload)}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** The same with an RSA key. */
export function rs256(payload: unknown, header: unknown, key: KeyLike): string {
    const signed = `${part(header)}.${part(payload)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

const BAD_SIGNATURE = 'err_jws_signature_verification_failed';

/** What a server takes: its kind of key, and the header and claims of a good token. */
export type Recipe = {
    readonly sign: Sign;
    readonly header: Readonly<Record<string, unknown>>;
    readonly claims: Readonly<Record<string, unknown>>;
};

/** Faults of form, header and claims, whatever the key. `url` is where a token may not send us. */
export function badTokens({ sign, header, claims }: Recipe, url: string): BadToken[] {
    const good = sign(claims);
    const [head = '', body = '', signature = ''] = good.split('.');
    const withHeader = (more: Readonly<Record<string, unknown>>) => sign(claims, { ...header, ...more });
    const withClaims = (more: Readonly<Record<string, unknown>>) => sign({ ...claims, ...more });
    const unsigned = (alg: string) => part({ ...header, alg });
    return [
        ['empty', '', 'not_compact'],
        ['not a token', 'hello', 'not_compact'],
        ['1 MB', 'a'.repeat(1_000_000), 'too_long'],
        ['over 4 KB, well signed', withClaims({ x: 'x'.repeat(4000) }), 'too_long'],
        ['none', `${unsigned('none')}.${body}.`, 'not_compact'],
        ['none with a signature', `${unsigned('none')}.${body}.${signature}`, 'algorithm'],
        ['None', `${unsigned('None')}.${body}.${signature}`, 'algorithm'],
        ['nOnE', `${unsigned('nOnE')}.${body}.${signature}`, 'algorithm'],
        ['no alg', withHeader({ alg: undefined }), 'algorithm'],
        ['HS512 in the header', withHeader({ alg: 'HS512' }), 'algorithm'],
        ['RSA1_5 in the header', withHeader({ alg: 'RSA1_5' }), 'algorithm'],
        ['alg as a list', withHeader({ alg: [header['alg'], 'none'] }), 'algorithm'],
        ['crit known', withHeader({ crit: ['exp'], exp: 1 }), 'header_field'],
        ['crit unknown', withHeader({ crit: ['x'], x: 1 }), 'header_field'],
        ['crit empty', withHeader({ crit: [] }), 'header_field'],
        ['jwk', withHeader({ jwk: { kty: 'oct', k: part('x') } }), 'header_field'],
        ['jku', withHeader({ jku: url }), 'header_field'],
        ['x5u', withHeader({ x5u: url }), 'header_field'],
        ['x5c', withHeader({ x5c: ['x'] }), 'header_field'],
        ['b64 false', withHeader({ b64: false, crit: ['b64'] }), 'header_field'],
        ['zip', withHeader({ zip: 'DEF' }), 'header_field'],
        ['wrong typ', withHeader({ typ: 'dpop+jwt' }), 'type'],
        ['typ no string', withHeader({ typ: 7 }), 'type'],
        ['header no JSON', `${part('{')}.${body}.${signature}`, 'bad_header'],
        ['header null', `${part('null')}.${body}.${signature}`, 'bad_header'],
        ['body tampered', `${head}.${part({ ...claims, sub: '1' })}.${signature}`, BAD_SIGNATURE],
        ['signature stripped', `${head}.${body}.`, 'not_compact'],
        ['signature of zeros', `${head}.${body}.${Buffer.alloc(32).toString('base64url')}`, BAD_SIGNATURE],
        ['signature cut', `${head}.${body}.${signature.slice(0, 12)}`, BAD_SIGNATURE],
        ['two parts', `${head}.${body}`, 'not_compact'],
        ['five parts', `${good}.x.y`, 'not_compact'],
        ['padding after the signature', `${good}==`, 'not_compact'],
        ['spare bits in the signature', withSpareBits(good), 'not_compact'],
        ['white space around', ` ${good}\n`, 'not_compact'],
        ['standard base64', good.replace(/^./, '+'), 'not_compact'],
        ['payload no JSON', sign('{'), 'err_jwt_invalid'],
        ['payload a list', sign([claims]), 'err_jwt_invalid'],
        ['no exp', withClaims({ exp: undefined }), 'claim_exp'],
        ['exp null', withClaims({ exp: null }), 'claim_exp'],
        ['exp a string', withClaims({ exp: String(CLAIMS.exp) }), 'claim_exp'],
        ['exp negative', withClaims({ exp: -1 }), 'err_jwt_expired'],
        ['exp 1e400', sign(JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e400')), 'expiry'],
        ['exp beyond year 9999', withClaims({ exp: 253_402_300_800 }), 'expiry'],
        ['exp in milliseconds', withClaims({ exp: Date.now() + 600_000 }), 'expiry'],
        ['expired', withClaims({ exp: NOW - 1 }), 'err_jwt_expired'],
        ['not yet valid', withClaims({ nbf: NOW + 600 }), 'claim_nbf'],
        ['nbf a string', withClaims({ nbf: 'now' }), 'claim_nbf'],
        ['no sub', withClaims({ sub: undefined }), 'claim_sub'],
        ['sub empty', withClaims({ sub: '' }), 'subject'],
        ['sub a number', withClaims({ sub: 42 }), 'subject'],
        ['sub an object', withClaims({ sub: { toString: 1 } }), 'subject'],
        ['sub of other characters', withClaims({ sub: "4'2" }), 'subject'],
        ['sub too long', withClaims({ sub: 'x'.repeat(129) }), 'subject'],
    ];
}

/** Wrong issuers and audiences, for a verifier that asks for `iss` "idp" and `aud` "tidings". */
export function foreignTokens(sign: Sign): BadToken[] {
    return [
        ['wrong iss', sign({ ...ISSUED, iss: 'b' }), 'claim_iss'],
        ['no iss', sign({ ...ISSUED, iss: undefined }), 'claim_iss'],
        ['iss a list', sign({ ...ISSUED, iss: ['idp'] }), 'claim_iss'],
        ['wrong aud', sign({ ...ISSUED, aud: 'y' }), 'claim_aud'],
        ['aud of other case', sign({ ...ISSUED, aud: ['Tidings'] }), 'claim_aud'],
        ['no aud', sign({ ...ISSUED, aud: undefined }), 'claim_aud'],
    ];
}

/** Tokens for a server of a shared secret that are signed with what an attacker may know or hope for. */
export function forgedSharedTokens(secret: string, claims: Recipe['claims'] = CLAIMS): BadToken[] {
    const names = ['../../../../dev/null', '/dev/null', "x' union select 'attacker", 'file:///proc/self/environ', ''];
    return [
        ['RS256 in the header', hs256(claims, { alg: 'RS256' }, secret), 'algorithm'],
        ['another key', hs256(claims, { alg: 'HS256' }, `${secret}!`), BAD_SIGNATURE],
        ['the empty key', hs256(claims, { alg: 'HS256' }, ''), BAD_SIGNATURE],
        ['a key of one zero', hs256(claims, { alg: 'HS256' }, Buffer.alloc(1)), BAD_SIGNATURE],
        ...names.flatMap((kid): BadToken[] => [
            [`kid ${JSON.stringify(kid)}, empty key`, hs256(claims, { alg: 'HS256', kid }, ''), BAD_SIGNATURE],
            [
                `kid ${JSON.stringify(kid)}, key of its own`,
                hs256(claims, { alg: 'HS256', kid }, 'attacker'),
                BAD_SIGNATURE,
            ],
        ]),
    ];
}

/** Another last character that decodes to the same bytes: the last of 43 or 342 carries 4 or 2 spare bits or more. */
function withSpareBits(token: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const index = alphabet.indexOf(token.at(-1) ?? '');
    return `${token.slice(0, -1)}${alphabet[(index & ~3) | ((index + 1) & 3)]}`;
}

/** Schemas from the text of an environment variable to its value, each with the words an error uses for it. */

import { z } from 'zod';

/** A schema and what it expects, as the error says it: "expected {expected}, got …". */
export type Value<T> = { readonly schema: z.ZodType<T, string>; readonly expected: string };

/** So many in so long: `20/10s`. */
export type Rate = { readonly count: number; readonly perMs: number };

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const RATE_PATTERN = /^(\d{1,9})\/([1-9]\d{0,8})(ms|s|m|h)$/;

const SENDER_PATTERN = /^(?:(?:"[^"\\<>\p{Cc}]*"|[^"\\<>,;:@\p{Cc}]*)\s*<(?<named>[^<>\s]+)>|(?<alone>[^<>\s]+))$/u;
const ADDRESS_PATTERN =
    /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?=.{1,253}$)[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*$/i;

/** An integer between two bounds, both included. */
export function integer(least: number, most: number): Value<number> {
    return {
        schema: z
            .string()
            .regex(/^\d{1,15}$/)
            .transform(Number)
            .pipe(z.number().min(least).max(most)),
        expected: `an integer from ${least} to ${most}`,
    };
}

/** A limit: a positive integer, or null for `0`, which turns it off. */
export function limit(most: number): Value<number | null> {
    const { schema } = integer(0, most);
    return { schema: schema.transform((n) => (n === 0 ? null : n)), expected: `an integer from 0 (off) to ${most}` };
}

/** `true`/`false`, also as `1`/`0`. */
export const flag: Value<boolean> = {
    schema: z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1'),
    expected: 'true or false',
};

/** `<count>/<number><ms|s|m|h>`, or null for `0`, which turns the limit off. */
export const rate: Value<Rate | null> = {
    schema: z
        .string()
        .refine((text) => text === '0' || RATE_PATTERN.test(text))
        .transform(parseRate),
    expected: 'a rate like 20/10s (units ms, s, m, h), or 0 (off)',
};

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Value<Word> {
    return { schema: z.enum(words), expected: `one of ${words.join(', ')}` };
}

/** Any text that is not empty. */
export function text(expected: string): Value<string> {
    return { schema: z.string().min(1), expected };
}

/** Text of at least so many bytes in UTF-8. */
export function bytes(least: number): Value<string> {
    return {
        schema: z.string().refine((value) => Buffer.byteLength(value) >= least),
        expected: `at least ${least} bytes`,
    };
}

/** A token fit for an `Authorization` header. */
export function bearerToken(least: number): Value<string> {
    return {
        schema: z
            .string()
            .regex(/^[!-~]+$/)
            .refine((token) => token.length >= least && !token.includes(',')),
        expected: `at least ${least} visible ASCII characters without spaces and commas`,
    };
}

/** A URL of one of the schemes, kept as it was written. */
export function url(schemes: readonly string[]): Value<string> {
    const pattern = new RegExp(`^(${schemes.join('|')})://[^\\s/]`);
    return {
        schema: z.string().regex(pattern),
        expected: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    };
}

/** Where mail is handed over, with user, password and port in the URL; kept as it was written. */
export const smtpUrl: Value<string> = {
    schema: z.string().refine((written) => /^smtps?:\/\/[^\s/?#]\S*$/.test(written) && URL.canParse(written)),
    expected: 'a URL like smtps://user:password@mail.example.com:465, which begins with smtp:// or smtps://',
};

/** Where people reach us: a path may follow, to which others are added, so it ends without a slash. */
export const publicUrl: Value<string> = {
    schema: z
        .string()
        .refine(isPublicUrl)
        .transform((written) => new URL(written).href.replace(/\/+$/, '')),
    expected: 'a URL like https://tidings.example.com, without user, query and fragment',
};

/** `Tidings <tidings@example.com>`, the name quoted or not, or the address alone; kept as it was written. */
export const sender: Value<string> = {
    schema: z.string().refine(isSender),
    expected: 'an address like tidings@example.com or Tidings <tidings@example.com>',
};

/** An IANA time zone. */
export const timeZone: Value<string> = {
    schema: z.string().refine(isTimeZone),
    expected: 'an IANA time zone like Europe/Berlin',
};

/** Minutes that divide an hour. */
export const partOfHour: Value<number> = {
    schema: z.enum(['1', '2', '3', '4', '5', '6', '10', '12', '15', '20', '30', '60']).transform(Number),
    expected: 'minutes that divide an hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60',
};

/** Comma-separated web origins, as a browser sends them. */
export const origins: Value<readonly string[]> = {
    schema: z
        .string()
        .transform((list) => list.split(',').map((origin) => origin.trim()))
        .pipe(z.array(z.string().refine(isOrigin))),
    expected: 'comma-separated origins like https://app.example.com (scheme, host and port, lower case, no path)',
};

function parseRate(written: string): Rate | null {
    const [, count = '0', span = '0', unit = 'ms'] = RATE_PATTERN.exec(written) ?? [];
    const perMs = Number(span) * (UNIT_MS[unit] ?? 1);
    return Number(count) === 0 ? null : { count: Number(count), perMs };
}

function isOrigin(origin: string): boolean {
    return /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}

function isPublicUrl(written: string): boolean {
    if (!/^https?:\/\/[^\s?#]+$/.test(written) || !URL.canParse(written)) return false;
    const { username, password } = new URL(written);
    return username === '' && password === '';
}

/** What PostgreSQL knows, too: no offsets, which it reads with the sign turned round. */
function isTimeZone(written: string): boolean {
    if (!/^[A-Za-z]/.test(written)) return false;
    try {
        new Intl.DateTimeFormat('en', { timeZone: written });
        return true;
    } catch {
        return false;
    }
}

/** Line ends, brackets and bare quotes can't stand in a name: they would write other headers. */
function isSender(written: string): boolean {
    const { named, alone } = SENDER_PATTERN.exec(written)?.groups ?? {};
    return ADDRESS_PATTERN.test(named ?? alone ?? '');
}

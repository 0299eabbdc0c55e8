/** How input is checked: strict schemas, one line per offending field, and ids that are none answered like ids of nothing. */

import { type Hook, z } from '@hono/zod-openapi';
import { TidingsError } from '../errors.ts';
import type { RestEnv } from './api.ts';

const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An id in a path or body: any uuid PostgreSQL would take in its usual spelling, made lower case. */
export const uuid = z
    .string()
    .regex(UUID, 'expected a uuid')
    .transform((id) => id.toLowerCase())
    .openapi({ type: 'string', format: 'uuid', example: '00000000-0000-4000-8000-000000000201' });

/** Path parameters `{id}`. */
export const idParams = z.object({ id: uuid });

/** Text that PostgreSQL can store as it is; blank only if `min` is 0. */
export function text(min: number, max: number) {
    return z
        .string()
        .min(min)
        .max(max)
        .refine((value) => !/[\0\p{Surrogate}]/u.test(value), 'expected text without NUL and lone surrogates')
        .refine((value) => min === 0 || /\S/.test(value), 'expected text that is not blank');
}

/** A number in a path or query; to be narrowed by `pipe(z.int()…)`. */
export const wholeNumber = z
    .string()
    .regex(/^[0-9]{1,16}$/, 'expected a whole number')
    .transform(Number);

/** A moment, ISO 8601 with zone, of the years 1 to 9999; kept to the millisecond. */
export const moment = z.iso
    .datetime({ offset: true })
    .refine((value) => isWithinYears(Date.parse(value)), 'expected a time of the years 1 to 9999')
    .transform((value) => new Date(value).toISOString())
    .openapi({ type: 'string', format: 'date-time', example: '2026-11-22T10:00:00.000Z' });

/** A moment as answers show it. */
export const shownMoment = z.string().openapi({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' });

const LINE = 'expected valid input, got';
const MOST_SHOWN = 60;

/** Turns a failed check into the error: a malformed id in the path is `not_found`, all else `bad_request` with issues. */
export const refuseInvalid: Hook<unknown, RestEnv, string, undefined> = (result) => {
    if (result.success) return undefined;
    if (result.target === 'param') throw notFound();
    const place = result.target === 'json' ? 'body' : result.target;
    const input = 'data' in result ? result.data : undefined;
    const issues = result.error.issues.map((issue) => ({
        path: [place, ...issue.path].join('.'),
        message: messageOf(issue, input),
    }));
    const lines = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new TidingsError('bad_request', `${LINE} ${lines}`, { issues });
};

/** What was expected and what came; some of the checker's own words say both already. */
function messageOf(issue: z.core.$ZodIssue, input: unknown): string {
    if (issue.code === 'unrecognized_keys' || issue.code === 'invalid_type') return issue.message;
    if (issue.code === 'invalid_key') return `${issue.issues[0]?.message}, got ${shown(issue.path.at(-1))}`;
    const came = issue.path.reduce(fieldOf, input);
    return came === undefined ? issue.message : `${issue.message}, got ${shown(came)}`;
}

function fieldOf(value: unknown, key: PropertyKey): unknown {
    return Object(value)[key];
}

function shown(value: unknown): string {
    const json = JSON.stringify(value);
    return json.length <= MOST_SHOWN ? json : `${json.slice(0, MOST_SHOWN)}…`;
}

/** The one error for what does not exist and for what the caller may not see. */
export function notFound(): TidingsError {
    return new TidingsError('not_found', 'expected something that exists and that you may see');
}

function isWithinYears(ms: number): boolean {
    return ms >= FIRST_MS && ms <= LAST_MS;
}

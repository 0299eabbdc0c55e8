/** The REST API over a database with the example: requests by user, answers parsed. */

import postgres, { type Sql } from 'postgres';
import { TidingsError } from '../../src/errors.ts';
import { exampleResources } from '../../src/example/index.ts';
import type { Observation } from '../../src/observe.ts';
import { createRest, type RestParts, type RestService } from '../../src/rest/index.ts';
import { openDatabase } from '../support/database.ts';

/** The seed's users by handle. */
export const USERS = {
    ada: '00000000-0000-4000-8000-000000000101',
    bob: '00000000-0000-4000-8000-000000000102',
    cyd: '00000000-0000-4000-8000-000000000103',
    dee: '00000000-0000-4000-8000-000000000104',
    eve: '00000000-0000-4000-8000-000000000105',
    fay: '00000000-0000-4000-8000-000000000106',
    gus: '00000000-0000-4000-8000-000000000107',
    hal: '00000000-0000-4000-8000-000000000108',
    ivy: '00000000-0000-4000-8000-000000000109',
    jon: '00000000-0000-4000-8000-000000000110',
} as const;

type Handle = keyof typeof USERS;

/** Of Acme, with bob owner, cyd editor, dee commenter, eve viewer. */
export const WEBSITE = '00000000-0000-4000-8000-000000000201';
/** Of Acme, with cyd owner, bob editor, fay commenter. */
export const MOBILE = '00000000-0000-4000-8000-000000000202';
/** Of Globex. */
export const WAREHOUSE = '00000000-0000-4000-8000-000000000204';

/** The nth seeded task (1–10) of the nth project (1–5). */
export function seededTask(project: number, task: number): string {
    const digits = [project, task].map((n) => String(n).padStart(2, '0')).join('');
    return `00000000-0000-4000-8000-00000003${digits}`;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
export type Answer = { readonly status: number; readonly headers: Headers; readonly body: any };

export type Sent = {
    /** A seeded handle, or any other text as the token's user; absent: no token. */
    readonly as?: string | undefined;
    /** Sent as JSON. */
    readonly body?: unknown;
    /** Sent as it is. */
    readonly raw?: string | undefined;
    readonly headers?: Readonly<Record<string, string>>;
};

export type ExampleApi = {
    /** A superuser's pool. */
    readonly sql: Sql;
    readonly observed: Observation[];
    readonly rest: RestService;
    call(method: string, path: string, sent?: Sent): Promise<Answer>;
    /** Numbers the events written so far. */
    sequence(): Promise<void>;
    close(): Promise<void>;
};

/** Opens a database of its own and the API on it, as role tidings_server. */
export async function openExampleApi(parts: Partial<RestParts> = {}): Promise<ExampleApi> {
    const database = await openDatabase({ example: true });
    const pool = postgres(database.url, {
        max: 8,
        onnotice: () => {},
        connection: { role: 'tidings_server' } as object,
    });
    const observed: Observation[] = [];
    const sequence = async () => {
        while ((await database.sql`select * from tidings.sequence()`)[0]?.['more'] === true);
    };
    await sequence();
    const rest = createRest({
        sql: pool,
        verifier: { verify: async (token) => ({ userId: userOf(token) }) },
        observe: (observation) => observed.push(observation),
        settings: { corsOrigins: [], cursorKey: 'a key for the cursors of tests' },
        checks: [],
        resources: exampleResources,
        ...parts,
    });
    return {
        sql: database.sql,
        observed,
        rest,
        call: (method, path, sent) => call(rest, method, path, sent),
        sequence,
        async close() {
            await pool.end({ timeout: 1 });
            await database.close();
        },
    };
}

/** Sends one request. */
export async function call(
    rest: RestService,
    method: string,
    path: string,
    { as, body, raw, headers }: Sent = {},
): Promise<Answer> {
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const request = new Request(new URL(path, 'http://tidings.test'), {
        method,
        headers: {
            ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
    });
    const response = await rest.fetch(request, { address: '127.0.0.1' });
    const answer = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true && answer !== '';
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answer) : answer };
}

/** In tests the token is the user's handle or id itself. */
function userOf(token: string): string {
    if (token === 'refused') throw new TidingsError('unauthorized', 'expected a valid, unexpired token');
    return token in USERS ? USERS[token as Handle] : token;
}

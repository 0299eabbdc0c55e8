/** What a resource is written against: the app it registers routes on and the transactions it works in. */

import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { TransactionSql } from 'postgres';
import type { Observe } from '../observe.ts';
import type { Cursors } from './cursor.ts';
import type { RequestContext } from './request-context.ts';
import type { Allowance, RequestLimit } from './request-limit.ts';

/** Where a request came from. `address` is the client's, after trusted proxies. */
export type Peer = { readonly address: string };

/** Turns a token into the user it speaks for; throws TidingsError `unauthorized`. */
export type TokenVerifier = {
    verify(token: string): Promise<{ readonly userId: string; readonly expiresAtMs?: number }>;
};

/** What Hono carries along with a request. */
export type RestEnv = {
    Bindings: { readonly peer: Peer };
    Variables: {
        request: RequestContext;
        verifier: TokenVerifier;
        observe: Observe;
        /** Null: requests are not counted. */
        limit: RequestLimit | null;
        /** What the request was told of its limit; unset: it was not counted. */
        allowance: Allowance | undefined;
        /** Set by authentication: `sub` of the token. */
        userId: string;
        /** When the token expires; never, for a verifier that doesn't say. */
        expiresAtMs: number;
    };
};

export type RestApp = OpenAPIHono<RestEnv>;
export type RestContext = Context<RestEnv>;
export type Transaction = TransactionSql;

/** The services a resource gets. */
export type Rest = {
    readonly cursors: Cursors;
    /** Runs `work` in one snapshot (repeatable read, read only). */
    read<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
    /**
     * Runs `work` in one transaction that carries the request's actor, id and trace, and honours `Idempotency-Key` on
     * POST. What `work` throws rolls back.
     */
    write<T extends Response>(c: RestContext, work: (tx: Transaction) => Promise<T>): Promise<T>;
    /** The same for one of several transactions of a request, which knows no `Idempotency-Key`. */
    step<T>(c: RestContext, work: (tx: Transaction) => Promise<T>): Promise<T>;
};

/** Registers the routes of one resource. */
export type Resource = (app: RestApp, rest: Rest) => void;

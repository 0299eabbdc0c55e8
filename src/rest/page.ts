/** Lists: `{items, nextCursor}` with a keyset on two columns. */

import { z } from '@hono/zod-openapi';
import type { Cursors } from './cursor.ts';
import { wholeNumber } from './validation.ts';

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

/** Query parameters of every list; filters are added with `extend`. Strict: an unknown parameter is refused. */
export const pageQuery = z.strictObject({
    limit: wholeNumber
        .pipe(z.int().min(1).max(MAX_LIMIT))
        .optional()
        .openapi({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT, example: DEFAULT_LIMIT }),
    cursor: z.string().max(1024).optional().openapi({ description: 'The `nextCursor` of the page before.' }),
});

/** The schema of a page of `item`. */
export function pageOf<Item extends z.ZodType>(item: Item, name: string) {
    return z.object({ items: z.array(item), nextCursor: z.string().nullable() }).openapi(name);
}

/** What a page is asked for by. */
export type PageRequest = { readonly limit?: number | undefined; readonly cursor?: string | undefined };

/** Lies before every row of a list by (created_at, id). */
export const BEFORE_ALL = ['-infinity', '00000000-0000-0000-0000-000000000000'] as const;

/** Lies after every row of such a list: where one begins that shows the newest first. */
export const AFTER_ALL = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const;

/** A row of such a list: `cursorAt` is its created_at to the microsecond, which is not shown. */
export type Keyed<Item> = Item & { readonly cursorAt: string };

/** The row without its key. */
export function unkeyed<Item>({ cursorAt: _, ...item }: Keyed<Item>): Omit<Keyed<Item>, 'cursorAt'> {
    return item;
}

/** One page of one list. */
export type Page = {
    /** Rows to read: one more than shown tells whether there is a next page. */
    readonly fetch: number;
    /** The key after which the page begins; `first`, which must lie before every row, on the first page. */
    after<Key extends readonly string[]>(first: Key): Key;
    /** Cuts the rows read to the page and names the next one. */
    cut<Row, Item>(
        rows: readonly Row[],
        show: (row: Row) => Item,
        keyOf: (row: Row) => readonly string[],
    ): { items: Item[]; nextCursor: string | null };
};

/**
 * Opens a page of the list `scope`: its route, ids and filters.
 *
 * @throws TidingsError `bad_request` if the cursor is not of this list.
 */
export function openPage(cursors: Cursors, scope: readonly string[], request: PageRequest): Page {
    const limit = request.limit ?? DEFAULT_LIMIT;
    const opened = request.cursor === undefined ? null : cursors.open(scope, request.cursor);
    return {
        fetch: limit + 1,
        // What was sealed for this scope was made by `cut` from the same kind of key.
        after: <Key extends readonly string[]>(first: Key) => (opened ?? first) as Key,
        cut(rows, show, keyOf) {
            const last = rows.length > limit ? rows[limit - 1] : undefined;
            return {
                items: rows.slice(0, limit).map(show),
                nextCursor: last === undefined ? null : cursors.seal(scope, keyOf(last)),
            };
        },
    };
}

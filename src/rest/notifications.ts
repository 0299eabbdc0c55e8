/** `/notifications`: the caller's own inbox; another user's id is answered like one that does not exist. */

import postgres from 'postgres';
import { TidingsError } from '../errors.ts';
import type { Resource, Rest, RestContext, Transaction } from './api.ts';
import { emptyBody } from './empty-body.ts';
import {
    archiveNotification,
    countNotifications,
    listNotifications,
    markNotification,
    type Notification,
    readAll,
    seeAll,
    snoozeNotification,
    unarchiveNotification,
    unsnoozeNotification,
} from './notification-routes.ts';
import { AFTER_ALL, openPage } from './page.ts';
import { POSITION_HEADER, positionOf } from './position.ts';
import { notFound } from './validation.ts';

/** Rows marked in one transaction: their locks are held for some ten milliseconds. */
const BATCH = 250;
const ALL = 2_147_483_647;
/** SQLSTATE of what the verbs refuse. */
const INVALID_ARGUMENT = '22023';

type Row = { readonly id: string; readonly cursorAt: string; readonly notification: Notification };

/** Registers the routes. */
export const notifications: Resource = (app, rest) => {
    app.openapi(listNotifications, (c) =>
        rest.read(async (tx) => {
            const {
                unreadOnly = false,
                type = null,
                archived = false,
                snoozed = false,
                ...query
            } = c.req.valid('query');
            const { userId } = c.var;
            const scope = ['notifications', userId, String([unreadOnly, archived, snoozed]), type ?? ''];
            const page = openPage(rest.cursors, scope, query);
            const [at, id] = page.after(AFTER_ALL);
            const rows = await tx<Row[]>`
                select n.id, n.created_at::text as "cursorAt", n.notification
                from tidings.list_notifications(
                    ${userId}, ${unreadOnly}, ${type}, ${archived}, ${snoozed}, ${page.fetch}, ${at}::text::timestamptz, ${id}::uuid
                ) n`;
            const found = page.cut(
                rows,
                (row) => row.notification,
                (row) => [row.cursorAt, row.id],
            );
            return c.json(found, 200, { [POSITION_HEADER]: await positionOf(tx, `user:${userId}`) });
        }),
    );

    app.openapi(countNotifications, (c) =>
        rest.read(async (tx) => {
            const { userId } = c.var;
            const [counts] = await tx<{ unread: number; unseen: number }[]>`
                select n.unread::integer, n.unseen::integer from tidings.notification_counts(${userId}) n`;
            const found = counts ?? { unread: 0, unseen: 0 };
            return c.json(found, 200, { [POSITION_HEADER]: await positionOf(tx, `user:${userId}`) });
        }),
    );

    app.openapi(markNotification, (c) =>
        rest.write(c, async (tx) => {
            const { id } = c.req.valid('param');
            const { read = true } = c.req.valid('json');
            await tx`select tidings.mark_read(${c.var.userId}, array[${id}::uuid], ${read})`;
            return c.json(await ownNotification(tx, c, id), 200);
        }),
    );

    app.openapi(readAll, (c) => markAll(rest, c, 'read', c.req.valid('json').before));
    app.openapi(seeAll, (c) => markAll(rest, c, 'seen', c.req.valid('json').before));

    for (const [route, archived] of [
        [archiveNotification, true],
        [unarchiveNotification, false],
    ] as const) {
        app.openapi(route, (c) =>
            rest.write(c, async (tx) => {
                await emptyBody(c);
                const { id } = c.req.valid('param');
                await tx`select tidings.archive_notification(${c.var.userId}, ${id}::uuid, ${archived})`;
                return c.json(await ownNotification(tx, c, id), 200);
            }),
        );
    }

    app.openapi(snoozeNotification, (c) =>
        rest.write(c, async (tx) => {
            const { id } = c.req.valid('param');
            const { until } = c.req.valid('json');
            await snooze(tx, c, id, until);
            return c.json(await ownNotification(tx, c, id), 200);
        }),
    );

    app.openapi(unsnoozeNotification, (c) =>
        rest.write(c, async (tx) => {
            await emptyBody(c);
            const { id } = c.req.valid('param');
            await tx`select tidings.snooze_notification(${c.var.userId}, ${id}::uuid, null)`;
            return c.json(await ownNotification(tx, c, id), 200);
        }),
    );
};

/** The database says what is in the future: its clock is the one that wakes the entry. */
async function snooze(tx: Transaction, c: RestContext, id: string, until: string): Promise<void> {
    try {
        await tx`select tidings.snooze_notification(${c.var.userId}, ${id}::uuid, ${until})`;
    } catch (error) {
        if (!(error instanceof postgres.PostgresError) || error.code !== INVALID_ARGUMENT) throw error;
        const message = `expected until to be in the future, got ${until}`;
        throw new TidingsError('bad_request', message, { cause: error, issues: [{ path: 'body.until', message }] });
    }
}

async function ownNotification(tx: Transaction, c: RestContext, id: string): Promise<Notification> {
    const [row] = await tx<{ notification: Notification }[]>`
        select j.notification
        from tidings.notification n
        join tidings.notifications_json(array[${id}::uuid]) j on j.id = n.id
        where n.id = ${id} and n.user_id = ${c.var.userId} and n.in_app`;
    if (row === undefined) throw notFound();
    return row.notification;
}

/** What is to be marked how; `asOf` is the snapshot of the first of several steps: what is committed later stays. */
type Marking = {
    readonly what: 'read' | 'seen';
    readonly before: string | undefined;
    /** One time for all, by which rows of a group know each other once they are read. */
    readonly at: Date;
    readonly asOf: string | null;
};

/** In several short transactions, as an inbox may be long; in one if an `Idempotency-Key` must hold for all of it. */
async function markAll(rest: Rest, c: RestContext, what: 'read' | 'seen', before: string | undefined) {
    const marking: Marking = { what, before, at: new Date(), asOf: null };
    if (c.req.header('idempotency-key') !== undefined) {
        return rest.write(c, async (tx) => {
            const { marked } = await markUntil(tx, c, marking, ALL);
            return c.json({ updated: marked }, 200);
        });
    }
    let updated = 0;
    let { asOf } = marking;
    for (;;) {
        const step = await rest.step(c, (tx) => markUntil(tx, c, { ...marking, asOf }, BATCH));
        asOf = step.asOf;
        updated += step.marked;
        if (step.marked < BATCH) return c.json({ updated }, 200);
    }
}

async function markUntil(
    tx: Transaction,
    c: RestContext,
    { what, before, at, asOf }: Marking,
    most: number,
): Promise<{ readonly marked: number; readonly asOf: string }> {
    const [row] = await tx<{ marked: number | null; asOf: string }[]>`
        select
            tidings.mark_until(${c.var.userId}, ${what}, ${before ?? null}::uuid, ${most}, ${at}, s.as_of) as marked,
            s.as_of::text as "asOf"
        from coalesce(${asOf}::text::pg_snapshot, pg_current_snapshot()) s (as_of)`;
    const marked = row?.marked ?? null;
    if (row === undefined || marked === null) throw notFound();
    return { marked, asOf: row.asOf };
}

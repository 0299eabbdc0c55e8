/** `/projects/:id/activity` and `/activity`: what happened, newest first, read from the log. */

import { z } from '@hono/zod-openapi';
import { RESET_EVENT } from '../event.ts';
import {
    guardedRoute,
    idParams,
    json,
    openPage,
    type Page,
    pageOf,
    pageQuery,
    type Resource,
    shownMoment,
    type Transaction,
} from '../rest/index.ts';
import { allowInProject, type Caller, callerOf } from './access.ts';
import { summarise } from './summary.ts';

const activitySchema = z
    .object({
        id: z.string().openapi({ example: '4711' }),
        topic: z.string(),
        seq: z.int(),
        event: z.string().openapi({ example: 'task.updated' }),
        at: shownMoment,
        actorId: z.string().nullable(),
        actorName: z.string().nullable(),
        data: z.record(z.string(), z.unknown()),
        summary: z.string().openapi({ example: 'Ada Ahlgren set a task’s status to done' }),
    })
    .openapi('Activity');

type Activity = z.infer<typeof activitySchema>;
type Row = Omit<Activity, 'summary'> & { readonly gseq: string; readonly sequencedAt: string };

const page = json(pageOf(activitySchema, 'ActivityPage'), 'A page; it may hold fewer than asked for.');
const tags = ['Activity'];

const projectActivity = guardedRoute({
    method: 'get',
    path: '/projects/{id}/activity',
    tags,
    summary: 'What happened in a project, newest first',
    request: { params: idParams, query: pageQuery },
    responses: { 200: page },
});

const allActivity = guardedRoute({
    method: 'get',
    path: '/activity',
    tags,
    summary: 'What happened in all projects of the caller, newest first',
    request: { query: pageQuery },
    responses: { 200: page },
});

/** Registers the routes. */
export const activity: Resource = (app, rest) => {
    app.openapi(projectActivity, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            await allowInProject(tx, caller, id, 'activity.read');
            const opened = openPage(rest.cursors, ['activity', id], c.req.valid('query'));
            return c.json(cut(opened, await rowsOf(tx, tx`select ${`project:${id}`} as topic`, opened)), 200);
        }),
    );

    app.openapi(allActivity, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const opened = openPage(rest.cursors, ['activity of', caller.id], c.req.valid('query'));
            return c.json(cut(opened, await rowsOf(tx, topicsOf(tx, caller), opened)), 200);
        }),
    );
};

/** Later than every row. */
const AFTER_ALL = ['9223372036854775807', 'infinity'] as const;

/**
 * The newest rows of some topics. Each topic's own newest are taken by index first; `sequenced_at`, which grows with
 * gseq, leaves the days after the cursor unread. The event is found by id within its one day.
 */
async function rowsOf(tx: Transaction, topics: ReturnType<typeof topicsOf>, opened: Page): Promise<readonly Row[]> {
    const [gseq, sequencedAt] = opened.after(AFTER_ALL);
    return tx<Row[]>`
        select e.id::text as id, s.topic, s.seq::float8 as seq, e.event, tidings.iso(e.at) as at,
            e.actor_id as "actorId", u.name as "actorName", e.data,
            s.gseq::text as gseq, s.sequenced_at::text as "sequencedAt"
        from (
            select n.*
            from (${topics}) t
            cross join lateral (
                select i.*
                from tidings.stream i
                where i.topic = t.topic and i.gseq < ${gseq} and i.sequenced_at <= ${sequencedAt}::text::timestamptz
                order by i.seq desc
                limit ${opened.fetch}
            ) n
            order by n.gseq desc
            limit ${opened.fetch}
        ) s
        join lateral (
            select i.* from tidings.event i where i.id = s.event_id and i.at = s.event_at offset 0
        ) e on true
        left join app.users u on u.id = case
            when e.actor_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then e.actor_id::uuid
        end
        order by s.gseq desc
    `;
}

/** Topics of all projects the caller may see. */
function topicsOf(tx: Transaction, caller: Caller) {
    return tx<{ topic: string }[]>`
        select 'project:' || p.id as topic
        from app.users u
        join app.projects p on p.organisation_id = u.organisation_id
        left join app.project_members m on m.project_id = p.id and m.user_id = u.id
        where u.id = ${caller.id} and (u.organisation_role = 'admin' or m.user_id is not null)
    `;
}

/** Rows that mark a loss take a place in the list's order but are nothing that happened. */
function cut(opened: Page, rows: readonly Row[]): { items: Activity[]; nextCursor: string | null } {
    const { items, nextCursor } = opened.cut(
        rows,
        (row) => row,
        (row) => [row.gseq, row.sequencedAt],
    );
    return { items: items.filter(({ event }) => event !== RESET_EVENT).map(show), nextCursor };
}

function show({ gseq: _, sequencedAt: __, ...item }: Row): Activity {
    return { ...item, summary: summarise(item.event, item.data, item.actorName) };
}

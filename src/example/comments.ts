/** `/tasks/:id/comments`: what was said on a task. */

import { z } from '@hono/zod-openapi';
import {
    BEFORE_ALL,
    guardedRoute,
    idParams,
    json,
    jsonBody,
    type Keyed,
    notFound,
    openPage,
    pageOf,
    pageQuery,
    type Resource,
    shownMoment,
    type Transaction,
    text,
    unkeyed,
} from '../rest/index.ts';
import { allowOnTask, callerOf } from './access.ts';

const commentSchema = z
    .object({
        id: z.uuid(),
        taskId: z.uuid(),
        projectId: z.uuid(),
        authorId: z.uuid().nullable(),
        body: z.string(),
        createdAt: shownMoment,
    })
    .openapi('Comment');

type Comment = z.infer<typeof commentSchema>;

const tags = ['Comments'];

const createComment = guardedRoute({
    method: 'post',
    path: '/tasks/{id}/comments',
    tags,
    summary: 'Comment on a task',
    request: { params: idParams, body: jsonBody(z.strictObject({ body: text(1, 20_000) })) },
    responses: { 201: json(commentSchema, 'The comment.') },
});

const listComments = guardedRoute({
    method: 'get',
    path: '/tasks/{id}/comments',
    tags,
    summary: 'Comments on a task, oldest first',
    request: { params: idParams, query: pageQuery },
    responses: { 200: json(pageOf(commentSchema, 'CommentPage'), 'A page of them.') },
});

/** Registers the routes. */
export const comments: Resource = (app, rest) => {
    app.openapi(createComment, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id: taskId } = c.req.valid('param');
            await allowOnTask(tx, caller, taskId, 'comment.create');
            const { body } = c.req.valid('json');
            const [comment] = await tx<Comment[]>`
                insert into app.comments as c (project_id, task_id, author_id, body)
                select t.project_id, t.id, ${caller.id}, ${body} from app.tasks t where t.id = ${taskId} for key share
                returning ${commentColumns(tx)}
            `;
            if (comment === undefined) throw notFound();
            return c.json(comment, 201);
        }),
    );

    app.openapi(listComments, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id: taskId } = c.req.valid('param');
            await allowOnTask(tx, caller, taskId, 'comment.read');
            const page = openPage(rest.cursors, ['comments', taskId], c.req.valid('query'));
            const [at, id] = page.after(BEFORE_ALL);
            const rows = await tx<Keyed<Comment>[]>`
                select ${commentColumns(tx)}, c.created_at::text as "cursorAt"
                from app.comments c
                where c.task_id = ${taskId} and (c.created_at, c.id) > (${at}::text::timestamptz, ${id}::uuid)
                order by c.created_at, c.id
                limit ${page.fetch}
            `;
            const found = page.cut(rows, unkeyed, (row) => [row.cursorAt, row.id]);
            return c.json(found, 200);
        }),
    );
};

function commentColumns(tx: Transaction) {
    return tx`
        c.id, c.task_id as "taskId", c.project_id as "projectId", c.author_id as "authorId", c.body,
        tidings.iso(c.created_at) as "createdAt"
    `;
}

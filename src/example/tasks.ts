/** `/projects/:id/tasks` and `/tasks/:id`. */

import { TidingsError } from '../errors.ts';
import {
    BEFORE_ALL,
    checkIfMatch,
    entityTag,
    type Keyed,
    notFound,
    openPage,
    POSITION_HEADER,
    positionOf,
    type Resource,
    type Transaction,
    unkeyed,
} from '../rest/index.ts';
import { allowInProject, allowOnLockedTask, allowOnTask, callerOf } from './access.ts';
import { changeTask, createTask, deleteTask, getTask, listTasks, type Task, type TaskPatch } from './task-routes.ts';

/** Registers the routes. */
export const tasks: Resource = (app, rest) => {
    app.openapi(createTask, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id: projectId } = c.req.valid('param');
            await allowInProject(tx, caller, projectId, 'task.create');
            const body = c.req.valid('json');
            await checkAssignee(tx, projectId, body.assigneeId ?? null);
            const [made] = await tx<{ id: string }[]>`
                insert into app.tasks (project_id, title, description, status, assignee_id, due_at, created_by)
                values (
                    ${projectId}, ${body.title}, ${body.description ?? ''}, ${body.status ?? 'todo'},
                    ${body.assigneeId ?? null}, ${body.dueAt ?? null}, ${caller.id}
                )
                returning id
            `;
            const task = await taskOf(tx, made?.id ?? null);
            return c.json(task, 201, { location: `/tasks/${task.id}`, etag: entityTag(task.version) });
        }),
    );

    app.openapi(listTasks, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id: projectId } = c.req.valid('param');
            await allowInProject(tx, caller, projectId, 'task.read');
            const { status = null, assigneeId = null, ...request } = c.req.valid('query');
            const scope = ['tasks', projectId, String(status), String(assigneeId)];
            const page = openPage(rest.cursors, scope, request);
            const [at, id] = page.after(BEFORE_ALL);
            const rows = await tx<Keyed<Task>[]>`
                select ${taskColumns(tx)}, t.created_at::text as "cursorAt"
                from app.tasks t
                where t.project_id = ${projectId}
                    ${status === null ? tx`` : tx`and t.status = ${status}`}
                    ${assigneeId === null ? tx`` : tx`and t.assignee_id = ${assigneeId}`}
                    and (t.created_at, t.id) > (${at}::text::timestamptz, ${id}::uuid)
                order by t.created_at, t.id
                limit ${page.fetch}
            `;
            const found = page.cut(rows, unkeyed, (row) => [row.cursorAt, row.id]);
            return c.json(found, 200, { [POSITION_HEADER]: await positionOf(tx, `project:${projectId}`) });
        }),
    );

    app.openapi(getTask, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            await allowOnTask(tx, caller, id, 'task.read');
            const task = await taskOf(tx, id);
            return c.json(task, 200, { etag: entityTag(task.version) });
        }),
    );

    app.openapi(changeTask, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            const { projectId, version } = await allowOnLockedTask(tx, caller, id, 'task.change');
            checkIfMatch(c.req.header('if-match'), version);
            const patch = c.req.valid('json');
            const target = patch.projectId ?? projectId;
            if (target !== projectId) await allowInProject(tx, caller, target, 'task.create');
            // Before the row is written, as an id of nobody could not be.
            await checkAssignee(tx, target, patch.assigneeId ?? null);
            if (Object.keys(patch).length > 0) await update(tx, id, patch, target !== projectId);
            const task = await taskOf(tx, id);
            return c.json(task, 200, { etag: entityTag(task.version) });
        }),
    );

    app.openapi(deleteTask, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            const { version } = await allowOnLockedTask(tx, caller, id, 'task.delete');
            checkIfMatch(c.req.header('if-match'), version);
            await tx`delete from app.tasks t where t.id = ${id}`;
            return c.body(null, 204);
        }),
    );
};

async function update(tx: Transaction, id: string, patch: TaskPatch, moves: boolean): Promise<void> {
    const [task] = await tx<{ projectId: string; assigneeId: string | null }[]>`
        update app.tasks t
        set project_id = coalesce(${patch.projectId ?? null}, t.project_id),
            title = coalesce(${patch.title ?? null}, t.title),
            description = coalesce(${patch.description ?? null}, t.description),
            status = coalesce(${patch.status ?? null}, t.status),
            assignee_id = case when ${patch.assigneeId !== undefined} then ${patch.assigneeId ?? null} else t.assignee_id end,
            due_at = case when ${patch.dueAt !== undefined} then ${patch.dueAt ?? null} else t.due_at end
        where t.id = ${id}
        returning t.project_id as "projectId", t.assignee_id as "assigneeId"
    `;
    if (task === undefined) throw notFound();
    if (moves && patch.assigneeId === undefined) await checkAssignee(tx, task.projectId, task.assigneeId);
}

/** Work is given to those who can see it: members of the project, and admins of its organisation. */
async function checkAssignee(tx: Transaction, projectId: string, assigneeId: string | null): Promise<void> {
    if (assigneeId === null) return;
    const [row] = await tx<{ seen: boolean }[]>`select app.can_read_project(${assigneeId}, ${projectId}) as seen`;
    if (row?.seen === true) return;
    const message = 'expected assigneeId to be a user who may read the project';
    throw new TidingsError('bad_request', message, { issues: [{ path: 'body.assigneeId', message }] });
}

async function taskOf(tx: Transaction, id: string | null): Promise<Task> {
    const [task] = await tx<Task[]>`select ${taskColumns(tx)} from app.tasks t where t.id = ${id}`;
    if (task === undefined) throw notFound();
    return task;
}

function taskColumns(tx: Transaction) {
    return tx`
        t.id, t.project_id as "projectId", t.title, t.description, t.status, t.assignee_id as "assigneeId",
        tidings.iso(t.due_at) as "dueAt", t.version, t.created_by as "createdBy",
        tidings.iso(t.created_at) as "createdAt", tidings.iso(t.updated_at) as "updatedAt"
    `;
}

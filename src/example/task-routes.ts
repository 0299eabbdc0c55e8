/** What `/projects/:id/tasks` and `/tasks/:id` take and give. */

import { z } from '@hono/zod-openapi';
import {
    guardedRoute,
    idParams,
    json,
    jsonBody,
    moment,
    pageOf,
    pageQuery,
    positionHeader,
    problem,
    shownMoment,
    text,
    uuid,
} from '../rest/index.ts';

const status = z.enum(['todo', 'doing', 'done']);

const taskSchema = z
    .object({
        id: z.uuid(),
        projectId: z.uuid(),
        title: z.string(),
        description: z.string(),
        status,
        assigneeId: z.uuid().nullable(),
        dueAt: shownMoment.nullable(),
        version: z.int(),
        createdBy: z.uuid().nullable(),
        createdAt: shownMoment,
        updatedAt: shownMoment,
    })
    .openapi('Task');

/** A task. */
export type Task = z.infer<typeof taskSchema>;

const taskFields = {
    description: text(0, 20_000).optional(),
    status: status.optional(),
    assigneeId: uuid.nullable().optional(),
    dueAt: moment.nullable().optional(),
};
const title = text(1, 200);

const newTask = z.strictObject({ title, ...taskFields });
const taskPatch = z.strictObject({ title: title.optional(), ...taskFields, projectId: uuid.optional() });

/** A change of a task: what is absent stays. */
export type TaskPatch = z.infer<typeof taskPatch>;

const ifMatch = z.object({ 'if-match': z.string().optional().openapi({ example: '"3"' }) });
const tagHeader = { ETag: { schema: { type: 'string' as const }, description: '`"<version>"`' } };
const oneTask = { ...json(taskSchema, 'The task.'), headers: tagHeader };
const stale = { 412: problem('`If-Match` names another version.') };
const tags = ['Tasks'];

export const createTask = guardedRoute({
    method: 'post',
    path: '/projects/{id}/tasks',
    tags,
    summary: 'Make a task',
    request: { params: idParams, body: jsonBody(newTask) },
    responses: { 201: oneTask },
});

export const listTasks = guardedRoute({
    method: 'get',
    path: '/projects/{id}/tasks',
    tags,
    summary: 'Tasks of a project, oldest first, with the position of its topic',
    request: { params: idParams, query: pageQuery.extend({ status: status.optional(), assigneeId: uuid.optional() }) },
    responses: { 200: { ...json(pageOf(taskSchema, 'TaskPage'), 'A page of them.'), headers: positionHeader } },
});

export const getTask = guardedRoute({
    method: 'get',
    path: '/tasks/{id}',
    tags,
    summary: 'One task',
    request: { params: idParams },
    responses: { 200: oneTask },
});

export const changeTask = guardedRoute({
    method: 'patch',
    path: '/tasks/{id}',
    tags,
    summary: 'Change a task, or move it to another project',
    request: { params: idParams, headers: ifMatch, body: jsonBody(taskPatch) },
    responses: { 200: oneTask, ...stale },
});

export const deleteTask = guardedRoute({
    method: 'delete',
    path: '/tasks/{id}',
    tags,
    summary: 'Delete a task with its comments and times',
    request: { params: idParams, headers: ifMatch },
    responses: { 204: { description: 'It is gone.' }, ...stale },
});

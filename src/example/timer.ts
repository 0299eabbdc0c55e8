/** `/tasks/:id/timer`: timing one's own work, one task at a time. */

import { z } from '@hono/zod-openapi';
import { TidingsError } from '../errors.ts';
import {
    emptyBody,
    guardedRoute,
    idParams,
    json,
    problem,
    type Resource,
    shownMoment,
    type Transaction,
} from '../rest/index.ts';
import { allowOnTask, callerOf } from './access.ts';

const entrySchema = z
    .object({
        id: z.uuid(),
        taskId: z.uuid(),
        projectId: z.uuid(),
        userId: z.uuid(),
        startedAt: shownMoment,
        stoppedAt: shownMoment.nullable(),
    })
    .openapi('TimeEntry');

type Entry = z.infer<typeof entrySchema>;

const tags = ['Time'];

const startTimer = guardedRoute({
    method: 'post',
    path: '/tasks/{id}/timer/start',
    tags,
    summary: 'Start timing work on a task',
    request: { params: idParams },
    responses: { 201: json(entrySchema, 'The open entry.'), 409: problem('A timer of yours runs already.') },
});

const stopTimer = guardedRoute({
    method: 'post',
    path: '/tasks/{id}/timer/stop',
    tags,
    summary: 'Stop the timer on a task',
    request: { params: idParams },
    responses: { 200: json(entrySchema, 'The entry.'), 409: problem('No timer of yours runs on this task.') },
});

/** Registers the routes. */
export const timer: Resource = (app, rest) => {
    app.openapi(startTimer, async (c) => {
        await emptyBody(c);
        return rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id: taskId } = c.req.valid('param');
            await allowOnTask(tx, caller, taskId, 'timer.use');
            const [entry] = await tx<Entry[]>`
                insert into app.time_entries as e (project_id, task_id, user_id)
                select t.project_id, t.id, ${caller.id} from app.tasks t where t.id = ${taskId} for key share
                on conflict (user_id) where stopped_at is null do nothing
                returning ${entryColumns(tx)}
            `;
            if (entry === undefined) throw new TidingsError('conflict', 'expected no timer of yours to run, got one');
            return c.json(entry, 201);
        });
    });

    app.openapi(stopTimer, async (c) => {
        await emptyBody(c);
        return rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id: taskId } = c.req.valid('param');
            await allowOnTask(tx, caller, taskId, 'timer.use');
            const [entry] = await tx<Entry[]>`
                update app.time_entries e
                set stopped_at = greatest(clock_timestamp(), e.started_at)
                where e.task_id = ${taskId} and e.user_id = ${caller.id} and e.stopped_at is null
                returning ${entryColumns(tx)}
            `;
            if (entry === undefined) throw new TidingsError('conflict', 'expected your timer to run here, got none');
            return c.json(entry, 200);
        });
    });
};

function entryColumns(tx: Transaction) {
    return tx`
        e.id, e.task_id as "taskId", e.project_id as "projectId", e.user_id as "userId",
        tidings.iso(e.started_at) as "startedAt", tidings.iso(e.stopped_at) as "stoppedAt"
    `;
}

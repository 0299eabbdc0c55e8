/**
 * The example domain's REST resources: projects, members, tasks, comments, timers, activity. One file each; the larger keep
 * what they take and give beside it, in `…-routes.ts`.
 *
 * Roles and actions stand in `roles.ts`, who is told 403 and who 404 is decided in `access.ts`. Depends on rest, on schema
 * `app` and, for activity, on the engine's log.
 */

import type { Resource } from '../rest/index.ts';
import type { Chore } from '../sequence/chores.ts';
import { activity } from './activity.ts';
import { comments } from './comments.ts';
import { members } from './members.ts';
import { projects } from './projects.ts';
import { tasks } from './tasks.ts';
import { timer } from './timer.ts';

/** All resources of the example, to be given to `createRest`. */
export const exampleResources: readonly Resource[] = [projects, members, tasks, comments, timer, activity];

/** Tells of tasks that are due, each once; see db/example/functions/notify_due_tasks.sql. */
const dueTasks: Chore = {
    name: 'due tasks',
    everyMs: 60_000,
    async work(sql) {
        const [row] = await sql<{ told: number }[]>`select app.notify_due_tasks() as told`;
        return row?.told ?? 0;
    },
};

/** What the example has done now and then, to be given to `createHousekeeping`. */
export const exampleChores: readonly Chore[] = [dueTasks];

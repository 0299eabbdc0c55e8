/** The one place that decides: unknown user → 403, not seen → 404, seen but not allowed → 403. */

import { TidingsError } from '../errors.ts';
import { notFound, type Transaction } from '../rest/index.ts';
import { type Action, mayDo, type Role } from './roles.ts';

/** The user of a request as the example knows them. */
export type Caller = { readonly id: string; readonly organisationId: string };

// As PostgreSQL prints a uuid: another spelling of a user's id is another `user:` topic, so it is nobody's.
const USER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws TidingsError `unknown_user` if `app.users` has no such user. */
export async function callerOf(tx: Transaction, userId: string): Promise<Caller> {
    const [caller] = USER_ID.test(userId)
        ? await tx<Caller[]>`
            select u.id, u.organisation_id as "organisationId"
            from app.users u
            where u.id = ${userId}
        `
        : [];
    if (caller === undefined) throw new TidingsError('unknown_user', 'expected a user of this server, got one unknown');
    return caller;
}

/**
 * The caller's role in a project, given that it allows `action`.
 *
 * @throws TidingsError `not_found` if there is no such project for them, `forbidden` if the role does not suffice.
 */
export async function allowInProject(
    tx: Transaction,
    caller: Caller,
    projectId: string,
    action: Action,
): Promise<Role> {
    const [row] = await tx<{ role: Role | null }[]>`select app.project_role(${caller.id}, ${projectId}) as role`;
    return allow(row?.role ?? null, action);
}

/** The same for a role that was read already; null: the caller sees nothing there. */
function allow(role: Role | null, action: Action): Role {
    if (role === null) throw notFound();
    if (mayDo(role, action)) return role;
    throw new TidingsError('forbidden', `expected a role that allows ${action}, got ${role}`);
}

/** A task's place and version, and what the caller is there. */
export type TaskAccess = { readonly projectId: string; readonly version: number };

/**
 * Where a task is, given that the caller may do `action` there.
 *
 * @throws TidingsError `not_found` or `forbidden`, as for a project.
 */
export async function allowOnTask(
    tx: Transaction,
    caller: Caller,
    taskId: string,
    action: Action,
): Promise<TaskAccess> {
    const [task] = await tx<(TaskAccess & { role: Role | null })[]>`
        select t.project_id as "projectId", t.version, app.project_role(${caller.id}, t.project_id) as role
        from app.tasks t
        where t.id = ${taskId}
    `;
    allow(task?.role ?? null, action);
    if (task === undefined) throw notFound();
    return task;
}

/** The same with the task locked, so that it stays there and at its version until the transaction ends. */
export async function allowOnLockedTask(
    tx: Transaction,
    caller: Caller,
    taskId: string,
    action: Action,
): Promise<TaskAccess> {
    await allowOnTask(tx, caller, taskId, action);
    await tx`select from app.tasks t where t.id = ${taskId} for no key update`;
    return allowOnTask(tx, caller, taskId, action);
}

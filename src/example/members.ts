/** `/projects/:id/members`: who is in a project, as what. */

import { TidingsError } from '../errors.ts';
import { BEFORE_ALL, type Keyed, notFound, openPage, type Resource, type Transaction, unkeyed } from '../rest/index.ts';
import { allowInProject, type Caller, callerOf } from './access.ts';
import { listMembers, type Member, putMember, removeMember } from './member-routes.ts';
import { mayDo, type Role } from './roles.ts';

/** Registers the routes. */
export const members: Resource = (app, rest) => {
    app.openapi(listMembers, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            await allowInProject(tx, caller, id, 'member.read');
            const page = openPage(rest.cursors, ['members', id], c.req.valid('query'));
            const [at, userId] = page.after(BEFORE_ALL);
            const rows = await tx<Keyed<Member>[]>`
                select ${memberColumns(tx)}, m.created_at::text as "cursorAt"
                from app.project_members m
                join app.users u on u.id = m.user_id
                where m.project_id = ${id} and (m.created_at, m.user_id) > (${at}::text::timestamptz, ${userId}::uuid)
                order by m.created_at, m.user_id
                limit ${page.fetch}
            `;
            const found = page.cut(rows, unkeyed, (row) => [row.cursorAt, row.userId]);
            return c.json(found, 200);
        }),
    );

    app.openapi(putMember, (c) =>
        rest.write(c, async (tx) => {
            const { id, userId } = c.req.valid('param');
            const { role } = c.req.valid('json');
            const caller = await callerOf(tx, c.var.userId);
            await allowChange(tx, caller, id);
            const present = await roleOf(tx, id, userId);
            if (!(await isOfOrganisation(tx, id, userId))) throw notFound();
            if (present === 'owner' && role !== 'owner') await demandAnotherOwner(tx, id, userId);
            if (!mayDo(role, 'timer.use')) await stopTimers(tx, id, userId);
            await tx`
                insert into app.project_members as m (project_id, user_id, role)
                values (${id}, ${userId}, ${role})
                on conflict (project_id, user_id) do update set role = excluded.role where m.role <> excluded.role
            `;
            const [member] = await tx<Member[]>`
                select ${memberColumns(tx)}
                from app.project_members m
                join app.users u on u.id = m.user_id
                where m.project_id = ${id} and m.user_id = ${userId}
            `;
            if (member === undefined) throw notFound();
            return c.json(member, 200);
        }),
    );

    app.openapi(removeMember, (c) =>
        rest.write(c, async (tx) => {
            const { id, userId } = c.req.valid('param');
            const caller = await callerOf(tx, c.var.userId);
            await allowChange(tx, caller, id);
            const present = await roleOf(tx, id, userId);
            if (present === null) throw notFound();
            if (present === 'owner') await demandAnotherOwner(tx, id, userId);
            await stopTimers(tx, id, userId);
            await tx`delete from app.project_members m where m.project_id = ${id} and m.user_id = ${userId}`;
            return c.body(null, 204);
        }),
    );
};

/**
 * Lets an owner change members, one at a time per project: two owners who remove each other at once wait for one another,
 * and the second finds themself the last, or no owner any more. The lock lets tasks be written meanwhile.
 */
async function allowChange(tx: Transaction, caller: Caller, projectId: string): Promise<void> {
    await allowInProject(tx, caller, projectId, 'member.change');
    await tx`select from app.projects p where p.id = ${projectId} for no key update`;
    await allowInProject(tx, caller, projectId, 'member.change');
}

async function roleOf(tx: Transaction, projectId: string, userId: string): Promise<Role | null> {
    const [member] = await tx<{ role: Role }[]>`
        select m.role from app.project_members m where m.project_id = ${projectId} and m.user_id = ${userId}
    `;
    return member?.role ?? null;
}

async function isOfOrganisation(tx: Transaction, projectId: string, userId: string): Promise<boolean> {
    const found = await tx`
        select
        from app.projects p
        join app.users u on u.organisation_id = p.organisation_id
        where p.id = ${projectId} and u.id = ${userId}
    `;
    return found.length === 1;
}

async function demandAnotherOwner(tx: Transaction, projectId: string, userId: string): Promise<void> {
    const others = await tx`
        select
        from app.project_members m
        where m.project_id = ${projectId} and m.role = 'owner' and m.user_id <> ${userId}
        limit 1
    `;
    if (others.length === 0) throw new TidingsError('conflict', 'expected another owner to remain, got the last one');
}

/** Stops the timer that a user could not stop any more, and which would keep them from starting another. */
async function stopTimers(tx: Transaction, projectId: string, userId: string): Promise<void> {
    await tx`
        update app.time_entries e
        set stopped_at = greatest(clock_timestamp(), e.started_at)
        where e.project_id = ${projectId} and e.user_id = ${userId} and e.stopped_at is null
    `;
}

function memberColumns(tx: Transaction) {
    return tx`m.user_id as "userId", u.handle, u.name, m.role, tidings.iso(m.created_at) as "createdAt"`;
}

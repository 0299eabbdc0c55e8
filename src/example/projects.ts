/** `/projects` and `/projects/:id`. */

import {
    BEFORE_ALL,
    type Keyed,
    notFound,
    openPage,
    POSITION_HEADER,
    positionOf,
    type Resource,
    type Transaction,
    unkeyed,
} from '../rest/index.ts';
import { allowInProject, callerOf } from './access.ts';
import {
    changeProject,
    createProject,
    deleteProject,
    getProject,
    listProjects,
    type Project,
} from './project-routes.ts';

/** Registers the routes. */
export const projects: Resource = (app, rest) => {
    app.openapi(createProject, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const body = c.req.valid('json');
            const [made] = await tx<{ id: string }[]>`
                insert into app.projects (organisation_id, name, description, created_by)
                values (${caller.organisationId}, ${body.name}, ${body.description ?? ''}, ${caller.id})
                returning id
            `;
            if (made === undefined) throw notFound();
            await tx`
                insert into app.project_members (project_id, user_id, role)
                values (${made.id}, ${caller.id}, 'owner')
            `;
            return c.json(await projectOf(tx, caller.id, made.id), 201, { location: `/projects/${made.id}` });
        }),
    );

    app.openapi(listProjects, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const page = openPage(rest.cursors, ['projects', caller.id], c.req.valid('query'));
            const [at, id] = page.after(BEFORE_ALL);
            const rows = await tx<Keyed<Project>[]>`
                select ${projectColumns(tx)}, p.created_at::text as "cursorAt",
                    case when u.organisation_role = 'admin' then 'owner' else m.role end as role
                from app.users u
                join app.projects p on p.organisation_id = u.organisation_id
                left join app.project_members m on m.project_id = p.id and m.user_id = u.id
                where u.id = ${caller.id}
                    and (u.organisation_role = 'admin' or m.user_id is not null)
                    and (p.created_at, p.id) > (${at}::text::timestamptz, ${id}::uuid)
                order by p.created_at, p.id
                limit ${page.fetch}
            `;
            const found = page.cut(rows, unkeyed, (row) => [row.cursorAt, row.id]);
            return c.json(found, 200);
        }),
    );

    app.openapi(getProject, (c) =>
        rest.read(async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            await allowInProject(tx, caller, id, 'project.read');
            const project = await projectOf(tx, caller.id, id);
            return c.json(project, 200, { [POSITION_HEADER]: await positionOf(tx, `project:${id}`) });
        }),
    );

    app.openapi(changeProject, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            await allowInProject(tx, caller, id, 'project.change');
            const body = c.req.valid('json');
            if (Object.keys(body).length > 0) {
                await tx`
                    update app.projects p
                    set name = coalesce(${body.name ?? null}, p.name),
                        description = coalesce(${body.description ?? null}, p.description)
                    where p.id = ${id}
                `;
            }
            return c.json(await projectOf(tx, caller.id, id), 200);
        }),
    );

    app.openapi(deleteProject, (c) =>
        rest.write(c, async (tx) => {
            const caller = await callerOf(tx, c.var.userId);
            const { id } = c.req.valid('param');
            await allowInProject(tx, caller, id, 'project.delete');
            await tx`delete from app.projects p where p.id = ${id}`;
            return c.body(null, 204);
        }),
    );
};

/** The project with the caller's role in it. */
async function projectOf(tx: Transaction, userId: string, id: string): Promise<Project> {
    const [project] = await tx<Project[]>`
        select ${projectColumns(tx)}, app.project_role(${userId}, p.id) as role
        from app.projects p
        where p.id = ${id}
    `;
    if (project === undefined) throw notFound();
    return project;
}

function projectColumns(tx: Transaction) {
    return tx`
        p.id, p.organisation_id as "organisationId", p.name, p.description, p.created_by as "createdBy",
        tidings.iso(p.created_at) as "createdAt", tidings.iso(p.updated_at) as "updatedAt"
    `;
}

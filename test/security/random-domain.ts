/** A random world of organisations, users, projects and members, kept beside the database: who may see what is said here, from the rows alone. */

import type { Sql } from 'postgres';

/** Roles of the example, each allowing what those before it do. */
export const RISING = ['viewer', 'commenter', 'editor', 'owner'] as const;
export type Role = (typeof RISING)[number];

type User = { readonly id: string; organisation: string; admin: boolean };
type Project = { readonly id: string; organisation: string; readonly task: string };

/** The world, as its rows are. */
export type Domain = {
    readonly users: readonly User[];
    readonly projects: readonly Project[];
    readonly organisations: readonly string[];
    /** By `<user> <project>`; also such of another organisation, which count for nothing. */
    readonly members: Map<string, Role>;
    pick<T>(from: readonly T[]): T;
};

/** What the example's policy says, written down once more: null is not to see it. */
export function roleOf({ members }: Domain, user: User, project: Project): Role | null {
    if (user.organisation !== project.organisation) return null;
    if (user.admin) return 'owner';
    return members.get(`${user.id} ${project.id}`) ?? null;
}

/** Whether a role allows what is for another. */
export function allows(role: Role | null, lowest: Role): boolean {
    return role !== null && RISING.indexOf(role) >= RISING.indexOf(lowest);
}

/** Fills the database. A fifth of the memberships are in another organisation. */
export async function makeDomain(
    sql: Sql,
    random: () => number,
    size: { users: number; projects: number },
): Promise<Domain> {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const rows = await sql<{ id: string }[]>`
        insert into app.organisations (name) select 'Org ' || g from generate_series(1, 4) g returning id`;
    const organisations = rows.map(({ id }) => id);
    const users: User[] = Array.from({ length: size.users }, () => ({
        id: uuid(random),
        organisation: pick(organisations),
        admin: random() < 0.1,
    }));
    const projects: Project[] = Array.from({ length: size.projects }, () => ({
        id: uuid(random),
        organisation: pick(organisations),
        task: uuid(random),
    }));
    const members = new Map<string, Role>();
    for (let n = 0; n < size.users * 12; n += 1) {
        const user = pick(users);
        const near = projects.filter(({ organisation }) => organisation === user.organisation);
        members.set(`${user.id} ${pick(random() < 0.8 && near.length > 0 ? near : projects).id}`, pick(RISING));
    }
    await insert(sql, 'app.users', {
        id: users.map(({ id }) => id),
        organisation_id: users.map(({ organisation }) => organisation),
        handle: users.map((_, n) => `h${n}`),
        name: users.map((_, n) => `N ${n}`),
        email: users.map((_, n) => `h${n}@example.com`),
        organisation_role: users.map(({ admin }) => (admin ? 'admin' : 'member')),
    });
    await insert(sql, 'app.projects', {
        id: projects.map(({ id }) => id),
        organisation_id: projects.map(({ organisation }) => organisation),
        name: projects.map((_, n) => `P ${n}`),
    });
    const pairs = [...members.keys()].map((key) => key.split(' '));
    await insert(sql, 'app.project_members', {
        user_id: pairs.map(([user]) => user),
        project_id: pairs.map(([, project]) => project),
        role: [...members.values()],
    });
    await insert(sql, 'app.tasks', {
        id: projects.map(({ task }) => task),
        project_id: projects.map(({ id }) => id),
        title: projects.map(() => 'T'),
    });
    return { users, projects, organisations, members, pick };
}

function uuid(random: () => number): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');
}

/** Rows given by column. */
async function insert(sql: Sql, table: string, columns: Readonly<Record<string, readonly unknown[]>>): Promise<void> {
    const names = Object.keys(columns);
    const rows = (columns[names[0] ?? ''] ?? []).map((_, n) =>
        Object.fromEntries(names.map((name) => [name, columns[name]?.[n]])),
    );
    await sql`insert into ${sql(table)} ${sql(rows as never)}`;
}

/**
 * Changes rows at random, in the database and in the world: members come, go and change, users and projects change places.
 * Answers who did not see what at any time, as `<user> <project>`.
 */
export async function changeAtRandom(
    sql: Sql,
    domain: Domain,
    random: () => number,
    times: number,
): Promise<ReadonlySet<string>> {
    const unseen = new Set<string>();
    for (let n = 0; n < times; n += 1) {
        await changeOne(sql, domain, random);
        for (const user of domain.users) {
            for (const project of domain.projects) {
                if (roleOf(domain, user, project) === null) unseen.add(`${user.id} ${project.id}`);
            }
        }
    }
    return unseen;
}

async function changeOne(sql: Sql, domain: Domain, random: () => number): Promise<void> {
    const user = domain.pick(domain.users);
    const project = domain.pick(domain.projects);
    const [held] = [...domain.members.keys()].filter((key) => key.startsWith(user.id));
    const dice = random();
    if (dice < 0.4 && held !== undefined) {
        const [, from = ''] = held.split(' ');
        domain.members.delete(held);
        await sql`delete from app.project_members where user_id = ${user.id} and project_id = ${from}`;
    } else if (dice < 0.7) {
        const role = domain.pick(RISING);
        domain.members.set(`${user.id} ${project.id}`, role);
        await sql`insert into app.project_members (user_id, project_id, role) values (${user.id}, ${project.id}, ${role})
            on conflict (user_id, project_id) do update set role = excluded.role`;
    } else if (dice < 0.8) {
        user.admin = !user.admin;
        await sql`update app.users set organisation_role = ${user.admin ? 'admin' : 'member'} where id = ${user.id}`;
    } else if (dice < 0.9) {
        user.organisation = domain.pick(domain.organisations);
        await sql`update app.users set organisation_id = ${user.organisation} where id = ${user.id}`;
    } else {
        project.organisation = domain.pick(domain.organisations);
        await sql`update app.projects set organisation_id = ${project.organisation} where id = ${project.id}`;
    }
}

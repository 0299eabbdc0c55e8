/** app.can_read_project against the policy said in TypeScript, over random worlds. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createRandom } from '../support/random.ts';
import { USERS, WEBSITE } from './example-api.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
});
afterAll(() => database.close());

type User = { readonly id: string; readonly organisation: string; readonly admin: boolean };
type Project = { readonly id: string; readonly organisation: string };
type Member = { readonly user: string; readonly project: string; readonly role: string };

/** Members of an organisation read what they are members of; its admins read all of it; nobody else reads. */
function referenceRole(user: User, project: Project, members: ReadonlyMap<string, string>): string | null {
    if (user.organisation !== project.organisation) return null;
    return user.admin ? 'owner' : (members.get(`${user.id} ${project.id}`) ?? null);
}

test('agrees with the reference on 10 000 random pairs, memberships across organisations included', async () => {
    const random = createRandom(20_261_122);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const organisations = await sql<{ id: string }[]>`
        insert into app.organisations (name) select 'Org ' || g from generate_series(1, 4) g returning id
    `;
    const organisationIds = organisations.map(({ id }) => id);
    const users = await sql<User[]>`
        insert into app.users (organisation_id, handle, name, email, organisation_role)
        select o, 'u' || g, 'U ' || g, 'u' || g || '@example.com', case when random() < 0.1 then 'admin' else 'member' end
        from generate_series(1, 100) g cross join lateral (select (${organisationIds}::uuid[])[1 + g % 4] as o) x
        returning id, organisation_id as organisation, organisation_role = 'admin' as admin
    `;
    const projects = await sql<Project[]>`
        insert into app.projects (organisation_id, name)
        select (${organisationIds}::uuid[])[1 + g % 4], 'P ' || g from generate_series(1, 100) g
        returning id, organisation_id as organisation
    `;
    const roles = ['viewer', 'commenter', 'editor', 'owner'];
    const members = new Map<string, Member>();
    for (let n = 0; n < 2000; n += 1) {
        const member = { user: pick(users).id, project: pick(projects).id, role: pick(roles) };
        members.set(`${member.user} ${member.project}`, member);
    }
    const rows = [...members.values()];
    await sql`
        insert into app.project_members (user_id, project_id, role)
        select * from unnest(${rows.map((m) => m.user)}::uuid[], ${rows.map((m) => m.project)}::uuid[], ${rows.map((m) => m.role)}::text[])
    `;
    const roleOf = new Map(rows.map((m) => [`${m.user} ${m.project}`, m.role]));
    const pairs = Array.from({ length: 10_000 }, () => ({ user: pick(users), project: pick(projects) }));
    const answers = await sql<{ role: string | null; seen: boolean }[]>`
        select app.project_role(p.u, p.p) as role, app.can_read_project(p.u, p.p) as seen
        from unnest(${pairs.map((p) => p.user.id)}::text[], ${pairs.map((p) => p.project.id)}::uuid[]) with ordinality p (u, p, n)
        order by p.n
    `;
    const wrong = pairs.filter(({ user, project }, n) => {
        const role = referenceRole(user, project, roleOf);
        return answers[n]?.role !== role || answers[n]?.seen !== (role !== null);
    });
    expect(wrong).toEqual([]);
    expect(answers.filter(({ seen }) => seen).length).toBeGreaterThan(100);
});

test.each([
    '',
    'auth0|42',
    '17',
    USERS.ada.toUpperCase().replace('8', 'A'),
    `{${USERS.ada}}`,
    ` ${USERS.ada}`,
    'x'.repeat(128),
])('user %j reads nothing and raises nothing', async (userId) => {
    const [answer] = await sql`select app.can_read_project(${userId}, ${WEBSITE}) as seen`;
    expect(answer).toEqual({ seen: false });
});

test('null reads nothing', async () => {
    const [answer] = await sql`
        select app.can_read_project(null, ${WEBSITE}) as nobody, app.can_read_project(${USERS.ada}, null) as nothing
    `;
    expect(answer).toEqual({ nobody: false, nothing: false });
});

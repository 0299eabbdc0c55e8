/** Whom the example tells of what: each rule, written by REST and by plain SQL, alone and by many at once. */

import type { Sql, TransactionSql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ExampleApi, openExampleApi, USERS } from './example-api.ts';

type Handle = keyof typeof USERS;
type TaskFields = { title?: string; description?: string; assigneeId?: string | null; dueAt?: string | null };

/** One who writes as somebody; what is made is told by its id. */
type Writer = {
    createTask(as: Handle, fields?: TaskFields): Promise<string>;
    changeTask(as: Handle, task: string, fields: TaskFields): Promise<unknown>;
    comment(as: Handle, task: string, body: string): Promise<string>;
    createProject(as: Handle, name: string): Promise<string>;
    putMember(as: Handle, project: string, member: Handle, role: string): Promise<unknown>;
};

const ACME = '00000000-0000-4000-8000-000000000001';

let api: ExampleApi;
let sql: Sql;
/** Of bob, its owner, with cyd editor, dee commenter, eve viewer; ada is admin of all, fay is not in it, hal not even of Acme. */
let project: string;
beforeAll(async () => {
    api = await openExampleApi();
    sql = api.sql;
    const [made] = await sql<{ id: string }[]>`
        insert into app.projects (organisation_id, name, created_by) values (${ACME}, 'Garden', ${USERS.bob}) returning id`;
    project = made?.id ?? '';
    for (const [handle, role] of Object.entries({ bob: 'owner', cyd: 'editor', dee: 'commenter', eve: 'viewer' })) {
        await sql`insert into app.project_members (project_id, user_id, role) values (${project}, ${USERS[handle as Handle]}, ${role})`;
    }
});
afterAll(() => api.close());
beforeEach(async () => {
    await sql`truncate tidings.notification`;
});

const rest: Writer = {
    createTask: async (as, fields = {}) =>
        await made('POST', `/projects/${project}/tasks`, as, { title: 'Dig', ...fields }),
    changeTask: (as, task, fields) => made('PATCH', `/tasks/${task}`, as, fields),
    comment: (as, task, body) => made('POST', `/tasks/${task}/comments`, as, { body }),
    createProject: (as, name) => made('POST', '/projects', as, { name }),
    putMember: (as, of, member, role) => made('PUT', `/projects/${of}/members/${USERS[member]}`, as, { role }),
};

async function made(method: string, path: string, as: Handle, body: object): Promise<string> {
    const answer = await api.call(method, path, { as, body });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body.id;
}

/** Statements of a service that says who acts, or of psql, which does not. */
function sqlWriter(saysWho: boolean): Writer {
    const write = (as: Handle, work: (tx: TransactionSql) => PromiseLike<readonly { id?: string }[]>) =>
        sql.begin(async (tx) => {
            if (saysWho) await tx`select set_config('tidings.actor', ${USERS[as]}, true)`;
            return (await work(tx))[0]?.id ?? '';
        });
    return {
        createTask: (as, { title = 'Dig', description = '', assigneeId = null, dueAt = null } = {}) =>
            write(
                as,
                (tx) => tx`
                    insert into app.tasks (project_id, title, description, assignee_id, due_at, created_by)
                    values (${project}, ${title}, ${description}, ${assigneeId}, ${dueAt}, ${USERS[as]}) returning id`,
            ),
        changeTask: (as, task, fields) =>
            write(as, (tx) => {
                const row = Object.entries(fields).map(([name, value]) => [snake(name), value] as const);
                return tx`update app.tasks set ${tx(Object.fromEntries(row))} where id = ${task} returning id`;
            }),
        comment: (as, task, body) =>
            write(
                as,
                (tx) => tx`
                    insert into app.comments (project_id, task_id, author_id, body)
                    select t.project_id, t.id, ${USERS[as]}, ${body} from app.tasks t where t.id = ${task} returning id`,
            ),
        createProject: (as, name) =>
            write(as, async (tx) => {
                const rows = await tx<{ id: string }[]>`
                    insert into app.projects (organisation_id, name, created_by) values (${ACME}, ${name}, ${USERS[as]}) returning id`;
                await tx`insert into app.project_members (project_id, user_id, role) values (${rows[0]?.id ?? ''}, ${USERS[as]}, 'owner')`;
                return rows;
            }),
        putMember: (as, of, member, role) =>
            write(
                as,
                (tx) => tx`
                    insert into app.project_members (project_id, user_id, role) values (${of}, ${USERS[member]}, ${role})
                    on conflict (project_id, user_id) do update set role = excluded.role returning user_id`,
            ),
    };
}

function snake(name: string): string {
    return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const psql = sqlWriter(false);

/** Who was told what by `work`, as `handle type`, in order of name. */
async function told(work: () => PromiseLike<unknown>): Promise<readonly string[]> {
    const [mark] = await sql<{ id: string }[]>`select coalesce(max(n.event_id), 0) as id from tidings.notification n`;
    await work();
    expect(await sql`select * from tidings.capture_error`).toEqual([]);
    const rows = await sql<{ line: string }[]>`
        select coalesce(u.handle, n.user_id) || ' ' || n.type as line
        from tidings.notification n left join app.users u on u.id::text = n.user_id
        where n.event_id > ${mark?.id ?? 0} order by 1`;
    return rows.map(({ line }) => line);
}

type Entry = Readonly<Record<string, unknown>> & { readonly id: string; readonly count: number };

/** What `GET /notifications` shows. */
async function inbox(as: Handle, query = ''): Promise<readonly Entry[]> {
    return (await api.call('GET', `/notifications${query}`, { as })).body.items;
}

async function unread(as: Handle): Promise<unknown> {
    return (await api.call('GET', '/notifications/counts', { as })).body;
}

describe.each([
    ['REST', rest],
    ['SQL that says who acts', sqlWriter(true)],
])('by %s', (_, by) => {
    describe('task.assigned', () => {
        test('tells whom a new task is given to, and not who takes it', async () => {
            expect(await told(() => by.createTask('bob', { assigneeId: USERS.cyd }))).toEqual(['cyd task.assigned']);
            expect(await told(() => by.createTask('cyd', { assigneeId: USERS.cyd }))).toEqual([]);
            expect(await told(() => by.createTask('cyd'))).toEqual([]);
        });

        test('tells whom a task passes to, each time it does, and not who takes it', async () => {
            const task = await by.createTask('bob');
            const give = (as: Handle, to: Handle | null) =>
                told(() => by.changeTask(as, task, { assigneeId: to === null ? null : USERS[to] }));
            expect(await give('bob', 'cyd')).toEqual(['cyd task.assigned']);
            expect(await give('bob', 'cyd')).toEqual([]);
            expect(await told(() => by.changeTask('bob', task, { title: 'Dig deeper' }))).toEqual([]);
            expect(await give('bob', 'dee')).toEqual(['dee task.assigned']);
            expect(await give('cyd', 'cyd')).toEqual([]);
            expect(await give('bob', null)).toEqual([]);
            expect(await give('bob', 'cyd')).toEqual(['cyd task.assigned']);
            // Who made it has it passed to them by somebody else.
            expect(await give('cyd', 'bob')).toEqual(['bob task.assigned']);
        });
    });

    describe('task.commented', () => {
        test('tells assignee, creator and earlier commenters, and not the author', async () => {
            const task = await by.createTask('bob', { assigneeId: USERS.cyd });
            const say = (as: Handle) => told(() => by.comment(as, task, 'Done?'));
            expect(await say('dee')).toEqual(['bob task.commented', 'cyd task.commented']);
            expect(await say('cyd')).toEqual(['bob task.commented', 'dee task.commented']);
            expect(await say('bob')).toEqual(['cyd task.commented', 'dee task.commented']);
            expect(await say('ada')).toEqual(['bob task.commented', 'cyd task.commented', 'dee task.commented']);
            expect(await say('bob')).toEqual(['ada task.commented', 'cyd task.commented', 'dee task.commented']);
        });

        test('is about one’s own tasks only', async () => {
            const [one, other] = [await by.createTask('bob'), await by.createTask('cyd')];
            await by.comment('dee', one, 'Here');
            expect(await told(() => by.comment('bob', other, 'There'))).toEqual(['cyd task.commented']);
        });

        test('tells those who watch the project, if they may read it', async () => {
            const task = await by.createTask('bob');
            for (const handle of ['eve', 'fay'] as const) {
                await sql`select tidings.set_topic_preference(${USERS[handle]}, ${`project:${project}`}, 'watch')`;
            }
            const lines = await told(() => by.comment('bob', task, 'Look'));
            for (const handle of ['eve', 'fay'] as const) {
                await sql`select tidings.set_topic_preference(${USERS[handle]}, ${`project:${project}`}, null)`;
            }
            expect(lines).toEqual(['eve task.commented']);
        });
    });

    describe('task.mentioned', () => {
        test('in a comment tells whoever is named and may read the project, instead of task.commented', async () => {
            const task = await by.createTask('bob', { assigneeId: USERS.cyd });
            const body = '@Eve, (@ada) @dee! @@bob mail x@cyd.com @fay @hal @nobody @bobby @bob_ @dee';
            expect(await told(() => by.comment('dee', task, body))).toEqual([
                'ada task.mentioned',
                'bob task.commented',
                'cyd task.commented',
                'eve task.mentioned',
            ]);
            expect(await told(() => by.comment('dee', task, '@bob @cyd.'))).toEqual([
                'bob task.mentioned',
                'cyd task.mentioned',
            ]);
        });

        test('in a description tells those named; an edit, those who were not named before', async () => {
            let task = '';
            const create = async () => {
                task = await by.createTask('bob', { description: 'With @cyd, @fay and @bob' });
            };
            expect(await told(create)).toEqual(['cyd task.mentioned']);
            const edit = (description: string) => told(() => by.changeTask('bob', task, { description }));
            expect(await edit('With @cyd, and @dee')).toEqual(['dee task.mentioned']);
            expect(await edit('With @dee and @cyd')).toEqual([]);
            expect(await told(() => by.changeTask('bob', task, { title: '@eve' }))).toEqual([]);
            expect(await edit('Alone')).toEqual([]);
            expect(await edit('With @cyd again')).toEqual(['cyd task.mentioned']);
        });

        test('is less than being assigned: one event tells a user once', async () => {
            const both = { description: '@cyd and @dee', assigneeId: USERS.cyd };
            expect(await told(() => by.createTask('bob', both))).toEqual(['cyd task.assigned', 'dee task.mentioned']);
            const task = await by.createTask('bob');
            expect(await told(() => by.changeTask('bob', task, both))).toEqual([
                'cyd task.assigned',
                'dee task.mentioned',
            ]);
        });
    });

    describe('project.added', () => {
        test('tells who is added, and nobody whose role changes, who adds themselves or who made it', async () => {
            let made = '';
            const create = async () => {
                made = await by.createProject('fay', 'Shed');
            };
            expect(await told(create)).toEqual([]);
            const put = (as: Handle, member: Handle, role = 'editor') =>
                told(() => by.putMember(as, made, member, role));
            expect(await put('fay', 'eve')).toEqual(['eve project.added']);
            expect(await put('fay', 'eve', 'owner')).toEqual([]);
            expect(await put('ada', 'ada')).toEqual([]);
            await sql`delete from app.project_members where project_id = ${made} and user_id = ${USERS.fay}`;
            expect(await put('eve', 'fay')).toEqual(['fay project.added']);
        });
    });

    test('what is told can be read without any code, in its reader’s language', async () => {
        const path = (task: string) => `/projects/${project}/tasks/${task}`;
        const about = { topic: `project:${project}`, actorId: USERS.bob, readAt: null };
        const task = await by.createTask('bob', { title: 'Rake', assigneeId: USERS.eve, description: 'Ask @dee' });
        const actors = [{ id: USERS.bob, name: 'Bob Baker' }];
        const common = { ...about, actors, count: 1, url: path(task) };
        const payload = { taskId: task, projectId: project, title: 'Rake' };
        expect(await inbox('eve')).toMatchObject([
            { ...common, type: 'task.assigned', title: 'Bob Baker hat dir Rake zugewiesen', body: null, payload },
        ]);
        expect(await inbox('dee')).toMatchObject([
            {
                ...common,
                type: 'task.mentioned',
                title: 'Bob Baker mentioned you in Rake',
                body: 'Ask @dee',
                payload: { ...payload, excerpt: 'Ask @dee' },
            },
        ]);
        const body = '😀'.repeat(150);
        const commentId = await by.comment('bob', task, body);
        const excerpt = '😀'.repeat(140);
        const [comment] = await inbox('eve');
        expect(comment).toMatchObject({
            ...common,
            type: 'task.commented',
            title: 'Bob Baker hat Rake kommentiert',
            body: excerpt,
            payload: { ...payload, commentId, excerpt },
        });
        await by.putMember('bob', project, 'fay', 'viewer');
        expect(await inbox('fay')).toMatchObject([
            {
                ...about,
                type: 'project.added',
                title: 'Bob Baker added you to Garden',
                url: `/projects/${project}`,
                payload: { projectId: project, name: 'Garden', role: 'viewer' },
            },
        ]);
        await sql`delete from app.project_members where project_id = ${project} and user_id = ${USERS.fay}`;
    });

    test('comments on a task are one entry, with their number and the last who wrote', async () => {
        const [task, other] = [await by.createTask('bob'), await by.createTask('bob')];
        for (const as of ['cyd', 'dee', 'cyd', 'ada'] as const) await by.comment(as, task, `By ${as}`);
        await by.comment('cyd', other, 'Elsewhere');
        const [elsewhere, entry] = await inbox('bob');
        expect(entry).toMatchObject({
            count: 4,
            title: 'Ada Ahlgren commented on Dig',
            actors: [USERS.ada, USERS.cyd, USERS.dee].map((id) => ({ id, name: expect.any(String) })),
        });
        expect(elsewhere).toMatchObject({ count: 1, actorId: USERS.cyd });
        expect(await unread('bob')).toEqual({ unread: 2, unseen: 2 });
        await api.call('PATCH', `/notifications/${entry?.id}/read`, { as: 'bob' });
        await by.comment('dee', task, 'One more');
        expect((await inbox('bob')).map(({ count, readAt }) => [count, readAt === null])).toEqual([
            [1, true],
            [1, true],
            [4, false],
        ]);
    });
});

describe('by SQL that does not say who acts', () => {
    test('who made a task or a project is taken for who acts on it first; nobody is, later', async () => {
        expect(await told(() => psql.createTask('bob', { assigneeId: USERS.bob, description: '@bob' }))).toEqual([]);
        expect(await told(() => psql.createProject('fay', 'Pond'))).toEqual([]);
        const task = await psql.createTask('bob');
        expect(await told(() => psql.changeTask('bob', task, { assigneeId: USERS.bob }))).toEqual([
            'bob task.assigned',
        ]);
        expect((await inbox('bob'))[0]).toMatchObject({ actorId: null, actors: [] });
    });

    test('the author of a comment is known all the same', async () => {
        const task = await psql.createTask('bob', { assigneeId: USERS.cyd });
        expect(await told(() => psql.comment('cyd', task, 'Mine, @cyd'))).toEqual(['bob task.commented']);
        expect((await inbox('bob'))[0]).toMatchObject({ actorId: USERS.cyd });
    });

    test('a comment that is edited tells only those it did not name before', async () => {
        const task = await psql.createTask('bob');
        const comment = await psql.comment('cyd', task, '@dee');
        const edit = (body: string) => told(() => sql`update app.comments set body = ${body} where id = ${comment}`);
        expect(await edit('@dee, @eve and @cyd')).toEqual(['eve task.mentioned']);
        expect(await edit('@eve and @dee')).toEqual([]);
    });

    test('a handle is named in whole or not at all', async () => {
        const handle = 'a'.repeat(32);
        const row = { organisation_id: ACME, handle, name: 'A', email: 'a@example.com', organisation_role: 'admin' };
        await sql`insert into app.users ${sql(row)}`;
        const task = await psql.createTask('bob', { description: `@${handle}a` });
        const lines = await told(() => psql.changeTask('bob', task, { description: `@${handle}.` }));
        await sql`delete from app.users where handle = ${handle}`;
        expect(lines).toEqual([`${handle} task.mentioned`]);
    });

    test('somebody who cannot read the project is told nothing of it, whatever is said of them', async () => {
        const both = { assigneeId: USERS.fay, description: '@fay @hal' };
        const task = await psql.createTask('fay', both);
        expect(await told(() => psql.createTask('bob', both))).toEqual([]);
        expect(await told(() => psql.comment('bob', task, '@fay, @hal'))).toEqual([]);
        await psql.changeTask('bob', task, { dueAt: new Date(Date.now() + 60_000).toISOString() });
        expect(await told(() => sql`select app.notify_due_tasks()`)).not.toContain('fay task.due');
        const hal = { project_id: project, user_id: USERS.hal, role: 'viewer' };
        expect(await told(() => sql`insert into app.project_members ${sql(hal)}`)).toEqual([]);
        await sql`delete from app.project_members where user_id = ${USERS.hal} and project_id = ${project}`;
    });

    test('who has left is told no more', async () => {
        const task = await psql.createTask('bob');
        await psql.comment('dee', task, 'Bye');
        await sql`delete from app.project_members where project_id = ${project} and user_id = ${USERS.dee}`;
        expect(await told(() => psql.comment('cyd', task, 'Where is @dee?'))).toEqual(['bob task.commented']);
        expect(await told(() => psql.putMember('bob', project, 'dee', 'commenter'))).toEqual(['dee project.added']);
    });

    test('a task that moves, or goes, tells nobody', async () => {
        const task = await psql.createTask('bob', { assigneeId: USERS.cyd, description: '@dee' });
        await psql.comment('dee', task, '@bob');
        const [other] = await sql<{ id: string }[]>`select id from app.projects where name = 'Mobile app'`;
        expect(await told(() => sql`update app.tasks set project_id = ${other?.id ?? ''} where id = ${task}`)).toEqual(
            [],
        );
        expect(await told(() => sql`delete from app.tasks where id = ${task}`)).toEqual([]);
    });

    test('a bulk statement makes bulk inserts, and tells everybody of everything', async () => {
        await sql.unsafe(`
            create table public.inserts (rows bigint);
            create function public.note_insert() returns trigger language plpgsql security definer as
                'begin insert into public.inserts select count(*) from fresh; return null; end';
            create trigger note_insert after insert on tidings.notification referencing new table as fresh
                for each statement execute function public.note_insert()`);
        const inserts = async () => (await sql`delete from public.inserts returning rows::int`).map(({ rows }) => rows);
        const lines = await told(
            () => sql`
                insert into app.tasks (project_id, title, description, assignee_id, created_by)
                select ${project}, 'Bed ' || n, '@dee', ${USERS.cyd}, ${USERS.bob} from generate_series(1, 1200) n`,
        );
        expect([lines.length, new Set(lines)]).toEqual([2400, new Set(['cyd task.assigned', 'dee task.mentioned'])]);
        // A thousand matches at a time.
        expect(await inserts()).toEqual([1000, 1000, 400]);
        const comments = await told(
            () => sql`
                insert into app.comments (project_id, task_id, author_id, body)
                select t.project_id, t.id, ${USERS.eve}, 'Well' from app.tasks t where t.title like 'Bed __'`,
        );
        expect(comments).toHaveLength(180);
        expect(await inserts()).toEqual([180]);
        expect(await told(() => sql`update app.tasks set title = 'Bed' where title like 'Bed %'`)).toEqual([]);
        expect(await inserts()).toEqual([]);
        await sql.unsafe(
            'drop trigger note_insert on tidings.notification; drop function public.note_insert; drop table public.inserts',
        );
        await sql`delete from app.tasks where title = 'Bed'`;
    });
});

describe('task.due', () => {
    /** What `told` hears of a look, of tasks of this file only. */
    const look = () => told(() => sql`select app.notify_due_tasks()`);
    const HOUR_MS = 3_600_000;
    const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();
    beforeEach(async () => {
        await sql`delete from app.tasks`;
    });

    test('tells who has the task a day before, and once', async () => {
        await psql.createTask('bob', { assigneeId: USERS.cyd, dueAt: inHours(23) });
        await psql.createTask('bob', { assigneeId: USERS.dee, dueAt: inHours(25) });
        await psql.createTask('bob', { dueAt: inHours(1) });
        expect(await look()).toEqual(['cyd task.due']);
        expect(await look()).toEqual([]);
        const [entry] = await inbox('cyd');
        expect(entry).toMatchObject({
            type: 'task.due',
            title: 'Dig is due',
            actorId: null,
            topic: `project:${project}`,
            payload: { title: 'Dig', projectId: project, overdue: false },
        });
    });

    test('tells once more when it is overdue, as the same entry', async () => {
        const [task] = await sql<{ id: string }[]>`
            insert into app.tasks (project_id, title, assignee_id, due_at)
            values (${project}, 'Dig', ${USERS.cyd}, clock_timestamp() + interval '300 ms') returning id`;
        expect(await look()).toEqual(['cyd task.due']);
        await sql`select pg_sleep_until(t.due_at) from app.tasks t where t.id = ${task?.id ?? ''}`;
        expect(await look()).toEqual(['cyd task.due']);
        expect(await look()).toEqual([]);
        expect(await inbox('cyd', '?type=task.due')).toMatchObject([{ count: 2, payload: { overdue: true } }]);
    });

    test('tells once of what was overdue before anybody looked, and nothing of what has long been', async () => {
        await psql.createTask('bob', { assigneeId: USERS.cyd, dueAt: inHours(-1) });
        await psql.createTask('bob', { assigneeId: USERS.dee, dueAt: inHours(-24 * 8) });
        expect(await look()).toEqual(['cyd task.due']);
        expect(await look()).toEqual([]);
    });

    test('tells of each date it is given, when that is near', async () => {
        const task = await psql.createTask('bob', { assigneeId: USERS.cyd, dueAt: inHours(2) });
        const due = (hours: number) => psql.changeTask('bob', task, { dueAt: inHours(hours) });
        expect(await look()).toEqual(['cyd task.due']);
        await due(48);
        expect(await look()).toEqual([]);
        await due(20);
        expect(await look()).toEqual(['cyd task.due']);
        await due(-1);
        expect(await look()).toEqual(['cyd task.due']);
        await psql.changeTask('bob', task, { dueAt: null });
        expect(await look()).toEqual([]);
    });

    test('tells whom it has passed to, and nobody of what is done', async () => {
        const task = await psql.createTask('bob', { assigneeId: USERS.cyd, dueAt: inHours(2) });
        await look();
        await psql.changeTask('bob', task, { assigneeId: USERS.dee });
        expect(await look()).toEqual(['dee task.due']);
        await psql.createTask('bob', { assigneeId: USERS.cyd, dueAt: inHours(2) });
        await sql`update app.tasks set status = 'done'`;
        expect(await look()).toEqual([]);
    });

    test('is told once however many look at once', async () => {
        for (let n = 0; n < 20; n += 1) await psql.createTask('bob', { assigneeId: USERS.cyd, dueAt: inHours(n) });
        const lines = await told(() => Promise.all([1, 2, 3, 4].map(() => sql`select app.notify_due_tasks()`)));
        expect(lines).toHaveLength(20);
        expect(await look()).toEqual([]);
    });
});

describe('at once', () => {
    test('two who comment on the same task tell each other of everything', async () => {
        const task = await psql.createTask('bob', { assigneeId: USERS.cyd });
        await sql`truncate tidings.notification`;
        const say = (as: Handle, n: number) => (n % 3 === 0 ? rest : psql).comment(as, task, `${n}`);
        const lines = await told(() =>
            Promise.all(Array.from({ length: 20 }, (_, n) => [say('bob', n), say('cyd', n)]).flat()),
        );
        expect(lines.filter((line) => line === 'bob task.commented')).toHaveLength(20);
        expect(lines).toHaveLength(40);
        for (const [handle, by] of [
            ['bob', 'cyd'],
            ['cyd', 'bob'],
        ] as const) {
            expect(await inbox(handle)).toMatchObject([{ count: 20, actors: [{ id: USERS[by] }] }]);
            expect(await unread(handle)).toEqual({ unread: 1, unseen: 1 });
        }
    });

    test('two who give a task to two others tell each whom it was given to', async () => {
        const task = await psql.createTask('bob');
        const lines = await told(() =>
            Promise.all([
                rest.changeTask('bob', task, { assigneeId: USERS.dee }),
                rest.changeTask('cyd', task, { assigneeId: USERS.eve }),
            ]),
        );
        expect(lines).toEqual(['dee task.assigned', 'eve task.assigned']);
    });

    test('commenters in opposite order in two transactions wait for nobody', async () => {
        const tasks = [await psql.createTask('bob'), await psql.createTask('dee')] as const;
        const [one, other] = [await sql.reserve(), await sql.reserve()];
        const say = (on: typeof one, author: Handle, task: string) => on`
            insert into app.comments (project_id, task_id, author_id, body) values (${project}, ${task}, ${USERS[author]}, '@bob @dee @ada')`;
        for (const on of [one, other]) await on`begin; set local lock_timeout = '2s'`.simple();
        await say(one, 'cyd', tasks[0]);
        await say(other, 'eve', tasks[1]);
        await say(one, 'cyd', tasks[1]);
        await say(other, 'eve', tasks[0]);
        await one`commit`;
        await other`commit`;
        for (const on of [one, other]) on.release();
        for (const handle of ['ada', 'bob', 'dee'] as const) {
            expect(await unread(handle)).toEqual({ unread: 2, unseen: 2 });
            expect((await inbox(handle)).map(({ count, type }) => [count, type])).toEqual(
                Array(2).fill([2, 'task.mentioned']),
            );
        }
    });

    test('what is read while more of its group comes: nothing is lost, nothing read that was not shown', async () => {
        const task = await psql.createTask('bob');
        const marked = new Set<string>();
        let writing = true;
        const writer = (async () => {
            for (let n = 0; n < 60; n += 1)
                await (n % 2 === 0 ? rest : psql).comment(n % 3 === 0 ? 'cyd' : 'dee', task, `${n}`);
            writing = false;
        })();
        const reader = async () => {
            while (writing) {
                const [head] = await inbox('bob', '?unreadOnly=true');
                if (head === undefined) continue;
                const answer = await api.call('PATCH', `/notifications/${head.id}/read`, { as: 'bob' });
                expect(answer.status).toBe(200);
                marked.add(head.id);
            }
        };
        await Promise.all([writer, reader(), reader()]);
        const entries = await inbox('bob', '?limit=100');
        expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(60);
        const left = entries.filter(({ readAt }) => readAt === null);
        expect(await unread('bob')).toMatchObject({ unread: left.length });
        const [odd] = await sql`
            select count(*)::int as n from tidings.notification n
            where n.user_id = ${USERS.bob} and n.read_at is not null
                and (n.created_at, n.id) > (
                    select h.created_at, h.id from tidings.notification h where h.id = any (${[...marked]}::uuid[])
                    order by 1 desc, 2 desc limit 1
                )`;
        expect(odd).toEqual({ n: 0 });
        for (const { id } of left) await api.call('PATCH', `/notifications/${id}/read`, { as: 'bob' });
        expect(await unread('bob')).toEqual({ unread: 0, unseen: 0 });
    });
});

-- Demo data with fixed ids: two organisations, ten users, five projects with members of different roles, ten tasks each.
--
-- Ids: 00000000-0000-4000-8000- and then, of twelve digits, …0O organisation, …1NN user, …2NN project, 3PPTT task,
-- 4PPTTCC comment, 5PPTTCC time entry. Idempotent: what is there already is left as it is.

insert into app.organisations (id, name, created_at)
values
    ('00000000-0000-4000-8000-000000000001', 'Acme', now() - interval '60 days'),
    ('00000000-0000-4000-8000-000000000002', 'Globex', now() - interval '60 days')
on conflict do nothing;

insert into app.users (id, organisation_id, handle, name, email, time_zone, locale, organisation_role, created_at)
select
    ('00000000-0000-4000-8000-000000000' || u.id)::uuid,
    ('00000000-0000-4000-8000-00000000000' || u.organisation)::uuid,
    u.handle,
    u.name,
    u.handle || '@example.com',
    u.time_zone,
    u.locale,
    u.role,
    now() - interval '60 days' + u.id * interval '1 minute'
from (
    values
        (101, 1, 'ada', 'Ada Ahlgren', 'Europe/London', 'en-GB', 'admin'),
        (102, 1, 'bob', 'Bob Baker', 'America/New_York', 'en-US', 'member'),
        (103, 1, 'cyd', 'Cyd Castro', 'America/Sao_Paulo', 'pt-BR', 'member'),
        (104, 1, 'dee', 'Dee Dahl', 'Europe/Oslo', 'nb-NO', 'member'),
        (105, 1, 'eve', 'Eve Eriksen', 'Europe/Berlin', 'de-DE', 'member'),
        (106, 1, 'fay', 'Fay Fujita', 'Asia/Tokyo', 'ja-JP', 'member'),
        (107, 2, 'gus', 'Gus García', 'Europe/Madrid', 'es-ES', 'admin'),
        (108, 2, 'hal', 'Hal Haddad', 'Africa/Cairo', 'ar-EG', 'member'),
        (109, 2, 'ivy', 'Ivy Iyer', 'Asia/Kolkata', 'en-IN', 'member'),
        (110, 2, 'jon', 'Jon Jansen', 'Australia/Adelaide', 'en-AU', 'member')
) u (id, organisation, handle, name, time_zone, locale, role)
on conflict do nothing;

insert into app.projects (id, organisation_id, name, description, created_by, created_at, updated_at)
select
    ('00000000-0000-4000-8000-000000000' || p.id)::uuid,
    ('00000000-0000-4000-8000-00000000000' || p.organisation)::uuid,
    p.name,
    p.description,
    ('00000000-0000-4000-8000-000000000' || p.owner)::uuid,
    now() - interval '50 days' + p.id * interval '1 minute',
    now() - interval '50 days' + p.id * interval '1 minute'
from (
    values
        (201, 1, 'Website', 'The public site and its shop window.', 102),
        (202, 1, 'Mobile app', 'One app for both stores.', 103),
        (203, 1, 'Operations', 'Keeping the lights on.', 104),
        (204, 2, 'Warehouse', 'Shelves, scanners and forklifts.', 108),
        (205, 2, 'Storefront', 'What customers see.', 109)
) p (id, organisation, name, description, owner)
on conflict do nothing;

insert into app.project_members (project_id, user_id, role, created_at)
select
    ('00000000-0000-4000-8000-000000000' || m.project)::uuid,
    ('00000000-0000-4000-8000-000000000' || m.member)::uuid,
    m.role,
    now() - interval '49 days' + m.member * interval '1 minute'
from (
    values
        (201, 102, 'owner'), (201, 103, 'editor'), (201, 104, 'commenter'), (201, 105, 'viewer'),
        (202, 103, 'owner'), (202, 102, 'editor'), (202, 106, 'commenter'),
        (203, 104, 'owner'), (203, 105, 'editor'), (203, 102, 'viewer'),
        (204, 108, 'owner'), (204, 109, 'editor'), (204, 110, 'viewer'),
        (205, 109, 'owner'), (205, 110, 'editor'), (205, 108, 'commenter')
) m (project, member, role)
on conflict do nothing;

insert into app.tasks (id, project_id, title, status, assignee_id, due_at, created_by, created_at, updated_at)
select
    ('00000000-0000-4000-8000-00000003' || to_char(p.id - 200, 'fm00') || to_char(t.n, 'fm00'))::uuid,
    ('00000000-0000-4000-8000-000000000' || p.id)::uuid,
    t.title,
    (array['todo', 'doing', 'done'])[t.n % 3 + 1],
    case when t.n % 2 = 0 then ('00000000-0000-4000-8000-000000000' || p.editor)::uuid end,
    case when t.n % 4 <> 0 then date_trunc('hour', now()) + (t.n - 3) * interval '1 day' end,
    ('00000000-0000-4000-8000-000000000' || p.owner)::uuid,
    now() - interval '40 days' + t.n * interval '1 hour',
    now() - interval '40 days' + t.n * interval '1 hour'
from (
    values
        (201, 102, 103, array[
            'Draft the landing page', 'Choose a colour palette', 'Fix the sign-up form', 'Write the pricing page', 'Compress the images',
            'Add a cookie notice', 'Check contrast and focus', 'Set up redirects', 'Measure page speed', 'Plan the launch'
        ]),
        (202, 103, 102, array[
            'Sketch the home screen', 'Sign in with a passkey', 'Keep drafts offline', 'Push notifications', 'Dark mode',
            'Crash reports', 'Shrink the download', 'Translate to Portuguese', 'Store listing', 'Beta programme'
        ]),
        (203, 104, 105, array[
            'Rotate certificates', 'Test the backups', 'Write the on-call guide', 'Upgrade PostgreSQL', 'Tidy the dashboards',
            'Move logs to cold storage', 'Review access rights', 'Renew the domain', 'Size the new servers', 'Hold a fire drill'
        ]),
        (204, 108, 109, array[
            'Label aisle C', 'Order new scanners', 'Repair the loading dock', 'Count the spring stock', 'Train the night shift',
            'Map the fast movers', 'Replace the forklift battery', 'Sort the returns', 'Check the sprinklers', 'Plan the winter move'
        ]),
        (205, 109, 110, array[
            'Photograph the catalogue', 'Rewrite product texts', 'Simplify the checkout', 'Add gift cards', 'Compare shipping rates',
            'Show stock levels', 'Collect reviews', 'Fix the search box', 'Newsletter sign-up', 'Prepare the summer sale'
        ])
) p (id, owner, editor, titles)
cross join lateral unnest(p.titles) with ordinality t (title, n)
on conflict do nothing;

-- One to three comments on every task, by the project's owner and one other member in turn.
insert into app.comments (id, project_id, task_id, author_id, body, created_at)
select
    ('00000000-0000-4000-8000-000004' || substr(t.id::text, 33) || to_char(c.n, 'fm00'))::uuid,
    t.project_id,
    t.id,
    case when c.n = 2 then o.user_id else t.created_by end,
    c.body,
    t.created_at + c.n * interval '3 hours'
from app.tasks t
join lateral (
    select m.user_id
    from app.project_members m
    where m.project_id = t.project_id and m.role in ('commenter', 'editor')
    order by m.role, m.user_id
    limit 1
) o on true
join (
    values (1, 'Let us start with the smallest thing that helps.'), (2, 'I can take a look tomorrow.'), (3, 'Looks good to me.')
) c (n, body) on c.n <= substr(t.id::text, 35)::integer % 3 + 1
where t.id::text like '00000000-0000-4000-8000-00000003____'
on conflict do nothing;

-- Some time was spent on the second task of every project.
insert into app.time_entries (id, project_id, task_id, user_id, started_at, stopped_at)
select
    ('00000000-0000-4000-8000-000005' || substr(t.id::text, 33) || '01')::uuid,
    t.project_id,
    t.id,
    t.created_by,
    t.created_at + interval '4 hours',
    t.created_at + interval '5 hours 30 minutes'
from app.tasks t
where t.id::text like '00000000-0000-4000-8000-00000003__02'
on conflict do nothing;

-- The example domain: organisations with users, projects with members, tasks with comments and time entries.
--
-- Rows below a project carry its id, so that the topic of a row is told by the row alone, also while a cascade deletes it.

-- migrate:up
-- The runner makes the schema for its own table before the first migration, so it may be there.
create schema if not exists app;
grant all on schema app to tidings_owner;
alter schema app owner to tidings_owner;

set local role tidings_owner;
comment on schema app is 'Example domain of Tidings: projects, tasks, comments, time';

create table app.organisations (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    created_at timestamptz not null default now(),
    -- A name to show, of bounded size.
    constraint organisation_name_is_sized check (char_length(name) between 1 and 200)
);

create table app.users (
    id uuid primary key default gen_random_uuid(),
    organisation_id uuid not null references app.organisations (id) on delete cascade,
    handle text not null,
    name text not null,
    email text not null,
    time_zone text not null default 'UTC',
    locale text not null default 'en',
    organisation_role text not null default 'member',
    created_at timestamptz not null default now(),
    -- A handle names one user, in all organisations.
    constraint handle_is_unique unique (handle),
    -- What can be typed after an @.
    constraint handle_is_well_formed check (handle ~ '^[a-z0-9_]{2,32}$'),
    -- A name to show, of bounded size.
    constraint user_name_is_sized check (char_length(name) between 1 and 200),
    -- One address, no header to smuggle in.
    constraint email_is_well_formed check (email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$' and char_length(email) <= 254),
    -- Known to PostgreSQL and of IANA's form: the second condition raises for a zone that does not exist.
    constraint time_zone_is_iana check (
        time_zone ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]*)+)$'
        and (timestamptz '2000-01-01 00:00:00+00' at time zone time_zone) is not null
    ),
    -- A language tag, as en or de-AT.
    constraint locale_is_well_formed check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    -- Admins own every project of their organisation.
    constraint organisation_role_is_known check (organisation_role in ('admin', 'member'))
);
-- Users of an organisation: its admins when a project goes, and the cascade of an organisation.
create index users_organisation_idx on app.users (organisation_id);

create table app.projects (
    id uuid primary key default gen_random_uuid(),
    organisation_id uuid not null references app.organisations (id) on delete cascade,
    name text not null,
    description text not null default '',
    -- Null once that user is gone.
    created_by uuid references app.users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- A name to show, of bounded size.
    constraint project_name_is_sized check (char_length(name) between 1 and 200)
);
-- GET /projects: an organisation's projects in list order.
create index projects_organisation_idx on app.projects (organisation_id, created_at, id);
-- Deleting a user.
create index projects_created_by_idx on app.projects (created_by);

create table app.project_members (
    project_id uuid not null references app.projects (id) on delete cascade,
    user_id uuid not null references app.users (id) on delete cascade,
    role text not null,
    created_at timestamptz not null default now(),
    primary key (project_id, user_id),
    -- In rising order: viewer, commenter, editor, owner.
    constraint role_is_known check (role in ('owner', 'editor', 'commenter', 'viewer'))
);
-- GET /projects/:id/members in list order.
create index project_members_list_idx on app.project_members (project_id, created_at, user_id);
-- A user's projects.
create index project_members_user_idx on app.project_members (user_id);

create table app.tasks (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null references app.projects (id) on delete cascade,
    title text not null,
    description text not null default '',
    status text not null default 'todo',
    assignee_id uuid references app.users (id) on delete set null,
    due_at timestamptz,
    -- One more with every update, by trigger.
    version integer not null default 1,
    -- Null once that user is gone.
    created_by uuid references app.users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- What comments and time entries refer to: a task moved to another project takes them along.
    constraint task_is_of_its_project unique (id, project_id),
    -- A title to show, of bounded size.
    constraint title_is_sized check (char_length(title) between 1 and 200),
    -- The columns of a board.
    constraint status_is_known check (status in ('todo', 'doing', 'done'))
);
-- GET /projects/:id/tasks in list order, plain and by each filter.
create index tasks_list_idx on app.tasks (project_id, created_at, id);
create index tasks_status_idx on app.tasks (project_id, status, created_at, id);
create index tasks_assignee_idx on app.tasks (project_id, assignee_id, created_at, id);
-- Deleting a user.
create index tasks_assigned_idx on app.tasks (assignee_id);
create index tasks_created_by_idx on app.tasks (created_by);

create table app.comments (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null,
    task_id uuid not null,
    -- Null once that user is gone.
    author_id uuid references app.users (id) on delete set null,
    body text not null,
    created_at timestamptz not null default now(),
    -- The project is the task's, also after the task has moved.
    constraint comment_is_of_its_task foreign key (task_id, project_id)
        references app.tasks (id, project_id) on update cascade on delete cascade,
    -- Something was said.
    constraint body_is_not_empty check (body <> '')
);
-- GET /tasks/:id/comments in list order, and the task's cascade.
create index comments_list_idx on app.comments (task_id, created_at, id);
-- Deleting a user.
create index comments_author_idx on app.comments (author_id);

create table app.time_entries (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null,
    task_id uuid not null,
    user_id uuid not null references app.users (id) on delete cascade,
    started_at timestamptz not null default now(),
    stopped_at timestamptz,
    -- The project is the task's, also after the task has moved.
    constraint time_entry_is_of_its_task foreign key (task_id, project_id)
        references app.tasks (id, project_id) on update cascade on delete cascade,
    -- Time is never negative.
    constraint stops_after_start check (stopped_at >= started_at)
);
-- One open entry per user; POST /tasks/:id/timer/start relies on it.
create unique index one_open_time_entry on app.time_entries (user_id) where stopped_at is null;
-- The task's cascade.
create index time_entries_task_idx on app.time_entries (task_id);
-- Deleting a user.
create index time_entries_user_idx on app.time_entries (user_id);

-- Whom the engine knows, see tidings.people.
create view app.people as
select u.id, u.email, u.name, u.time_zone, u.locale
from app.users u;

-- The server reads everything and writes what its REST resources write; users and organisations come from elsewhere.
grant usage on schema app to tidings_server;
grant select on app.organisations, app.users, app.projects, app.project_members, app.tasks, app.comments,
    app.time_entries, app.people to tidings_server;
grant insert, update, delete on app.projects, app.project_members, app.tasks, app.comments, app.time_entries
    to tidings_server;
reset role;

-- migrate:down
select tidings.untrack('app.tasks'), tidings.untrack('app.comments'), tidings.untrack('app.projects'),
    tidings.untrack('app.project_members'), tidings.untrack('app.time_entries');
drop view app.people;
drop table app.time_entries, app.comments, app.tasks, app.project_members, app.projects, app.users, app.organisations;

-- Whom the example notifies of what, by the engine's public verbs only. Declarations are idempotent: this file is applied
-- again whenever it changes, after those it builds on. Precedence: the more it is about you yourself, the higher.

select
    tidings.notification_type(
        'task.assigned', title => '{actor} assigned you {title}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} assigned to you'
    ),
    tidings.notification_type(
        'task.commented', title => '{actor} commented on {title}', body => '{excerpt}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} comment|{count} comments'
    ),
    tidings.notification_type(
        'task.mentioned', title => '{actor} mentioned you in {title}', body => '{excerpt}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} mention of you|{count} mentions of you'
    ),
    tidings.notification_type(
        'task.due', title => '{title} is due', body => 'Due {dueAt}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} due'
    ),
    tidings.notification_type(
        'project.added', title => '{actor} added you to {name}',
        url => '/projects/{projectId}', summary => '{count} new project|{count} new projects'
    );
select
    tidings.notification_type(
        'task.assigned', locale => 'de', title => '{actor} hat dir {title} zugewiesen',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} dir zugewiesen'
    ),
    tidings.notification_type(
        'task.commented', locale => 'de', title => '{actor} hat {title} kommentiert', body => '{excerpt}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} Kommentar|{count} Kommentare'
    ),
    tidings.notification_type(
        'task.mentioned', locale => 'de', title => '{actor} hat dich in {title} erwähnt', body => '{excerpt}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} Erwähnung|{count} Erwähnungen'
    ),
    tidings.notification_type(
        'task.due', locale => 'de', title => '{title} ist fällig', body => 'Fällig {dueAt}',
        url => '/projects/{projectId}/tasks/{taskId}', summary => '{count} fällig'
    ),
    tidings.notification_type(
        'project.added', locale => 'de', title => '{actor} hat dich zu {name} hinzugefügt',
        url => '/projects/{projectId}', summary => '{count} neues Projekt|{count} neue Projekte'
    );

-- Not to oneself: the engine leaves out whoever acts, and who made a task with psql acts as its creator.
select tidings.notification_rule(
    'app.tasks',
    name => 'assigned',
    type => 'task.assigned',
    topic => $$'project:' || r.project_id$$,
    condition => $$r.assignee_id is distinct from o.assignee_id and (op = 'UPDATE' or r.assignee_id is distinct from r.created_by)$$,
    users => $$array[r.assignee_id]$$,
    payload => $$jsonb_build_object('taskId', r.id, 'projectId', r.project_id, 'title', r.title)$$,
    group_key => $$'task.assigned:' || r.id$$,
    precedence => 30
);

-- An edit tells only those who were not mentioned before.
select tidings.notification_rule(
    'app.tasks',
    name => 'mentioned',
    type => 'task.mentioned',
    topic => $$'project:' || r.project_id$$,
    condition => $$r.description is distinct from o.description$$,
    users => $$array(select unnest(app.mentioned(r.description)) except select unnest(app.mentioned(o.description))
        except select case when op = 'INSERT' then r.created_by end)$$,
    payload => $$jsonb_build_object('taskId', r.id, 'projectId', r.project_id, 'title', r.title, 'excerpt', left(r.description, 140))$$,
    group_key => $$'task.mentioned:' || r.id$$,
    precedence => 20
);

select tidings.notification_rule(
    'app.comments',
    name => 'mentioned',
    type => 'task.mentioned',
    topic => $$'project:' || r.project_id$$,
    condition => $$r.body is distinct from o.body$$,
    users => $$array(select unnest(app.mentioned(r.body)) except select unnest(app.mentioned(o.body)))$$,
    payload => $$jsonb_build_object('taskId', r.task_id, 'projectId', r.project_id, 'commentId', r.id,
        'title', (select t.title from app.tasks t where t.id = r.task_id), 'excerpt', left(r.body, 140))$$,
    group_key => $$'task.mentioned:' || r.task_id$$,
    actor => $$r.author_id$$,
    precedence => 20
);

select tidings.notification_rule(
    'app.comments',
    name => 'commented',
    type => 'task.commented',
    topic => $$'project:' || r.project_id$$,
    ops => '{insert}',
    users => $$app.followers_of_task(r.task_id)$$,
    payload => $$jsonb_build_object('taskId', r.task_id, 'projectId', r.project_id, 'commentId', r.id,
        'title', (select t.title from app.tasks t where t.id = r.task_id), 'excerpt', left(r.body, 140))$$,
    group_key => $$'task.commented:' || r.task_id$$,
    actor => $$r.author_id$$,
    precedence => 10,
    watchers => true
);

select tidings.notification_rule(
    'app.project_members',
    name => 'added',
    type => 'project.added',
    topic => $$'project:' || r.project_id$$,
    ops => '{insert}',
    -- Where nobody says who acts, a project's maker joined it by their own hand.
    users => $$array(select r.user_id except select p.created_by from app.projects p
        where p.id = r.project_id and coalesce(current_setting('tidings.actor', true), '') = '')$$,
    payload => $$jsonb_build_object('projectId', r.project_id, 'role', r.role,
        'name', (select p.name from app.projects p where p.id = r.project_id))$$,
    precedence => 10
);

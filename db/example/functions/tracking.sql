-- What of the example becomes events, by the engine's public verbs only. Declarations are idempotent: this file is applied
-- again whenever it changes, after the functions it names.

select tidings.people('app.people');
select tidings.topic_kind('project', 'app.can_read_project(text, uuid)', title => 'app.project_name(uuid)');

-- task.created, task.updated, task.deleted
select tidings.track(
    'app.tasks',
    entity => 'task',
    topic => $$'project:' || r.project_id$$,
    -- Every update changes these two: they are no change of their own.
    ignore => '{updated_at,version}',
    data => $$case op
        when 'INSERT' then jsonb_build_object(
            'id', r.id, 'projectId', r.project_id, 'title', r.title, 'status', r.status,
            'assigneeId', r.assignee_id, 'dueAt', tidings.iso(r.due_at), 'version', r.version)
        when 'UPDATE' then jsonb_build_object(
            'id', r.id, 'projectId', r.project_id, 'version', r.version, 'changes', changes)
        else jsonb_build_object('id', r.id, 'projectId', r.project_id)
    end$$
);

-- task.commented
select tidings.track(
    'app.comments',
    entity => 'comment',
    name => 'commented',
    topic => $$'project:' || r.project_id$$,
    ops => '{insert}',
    event => $$'task.commented'$$,
    data => $$jsonb_build_object(
        'id', r.id, 'taskId', r.task_id, 'projectId', r.project_id, 'excerpt', left(r.body, 140))$$
);

-- project.updated, project.deleted: whoever makes a project is told by project.joined
select tidings.track(
    'app.projects',
    entity => 'project',
    topic => $$'project:' || r.id$$,
    ops => '{update,delete}',
    ignore => '{updated_at}',
    data => $$case op
        when 'UPDATE' then jsonb_build_object('id', r.id, 'changes', changes)
        else jsonb_build_object('id', r.id)
    end$$
);

-- member.added, member.updated, member.removed
select tidings.track(
    'app.project_members',
    entity => 'member',
    topic => $$'project:' || r.project_id$$,
    ignore => '{created_at}',
    event => $$case op when 'INSERT' then 'member.added' when 'UPDATE' then 'member.updated' else 'member.removed' end$$,
    data => $$case op
        when 'DELETE' then jsonb_build_object('userId', r.user_id)
        else jsonb_build_object('userId', r.user_id, 'role', r.role)
    end$$
);

-- project.joined, project.left on the user's own topic
select tidings.track(
    'app.project_members',
    entity => 'project',
    name => 'membership',
    topic => $$'user:' || r.user_id$$,
    ignore => '{created_at}',
    event => $$case op when 'INSERT' then 'project.joined' when 'DELETE' then 'project.left' end$$,
    data => $$case op
        when 'DELETE' then jsonb_build_object('projectId', r.project_id)
        else jsonb_build_object('projectId', r.project_id, 'role', r.role)
    end$$
);

-- time.started, time.stopped: an entry written with both its ends is one that stopped
select tidings.track(
    'app.time_entries',
    entity => 'time',
    topic => $$'project:' || r.project_id$$,
    ops => '{insert,update}',
    event => $$case
        when op = 'DELETE' then null
        when r.stopped_at is null and (op = 'INSERT' or o.stopped_at is not null) then 'time.started'
        when r.stopped_at is not null and (op = 'INSERT' or o.stopped_at is null) then 'time.stopped'
    end$$,
    data => $$case
        when r.stopped_at is null then jsonb_build_object(
            'id', r.id, 'taskId', r.task_id, 'projectId', r.project_id, 'userId', r.user_id)
        else jsonb_build_object(
            'id', r.id, 'taskId', r.task_id, 'projectId', r.project_id, 'userId', r.user_id,
            'seconds', floor(extract(epoch from r.stopped_at - r.started_at))::bigint)
    end$$
);

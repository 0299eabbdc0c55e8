-- Tells the assignees of tasks that are due within a day, and of those that are overdue; each once for each due date. Any
-- server calls it, every minute; of two at once, one waits and finds all told. Returns how many were told.
create or replace function app.notify_due_tasks()
    returns integer
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(sum(tidings.send_notification(
        array[t.assignee_id::text],
        'task.due',
        jsonb_build_object(
            'taskId', t.id, 'projectId', t.project_id, 'title', t.title, 'dueAt', tidings.iso(t.due_at), 'overdue', t.due_at <= now()
        ),
        topic => 'project:' || t.project_id,
        group_key => 'task.due:' || t.id,
        dedupe_key => concat_ws(':', case when t.due_at <= now() then 'overdue' else 'due' end, t.id, t.assignee_id, extract(epoch from t.due_at))
    )), 0)::integer
    from (
        select d.*
        from app.tasks d
        where d.status <> 'done'
            and d.assignee_id is not null
            -- Nobody is told of what has long been overdue when this is first run.
            and d.due_at between now() - interval '7 days' and now() + interval '1 day'
        -- In one order, so that two servers at once wait for each other's keys and not in a circle.
        order by d.id
    ) t;
$$;
revoke all on function app.notify_due_tasks() from public;
grant execute on function app.notify_due_tasks() to tidings_server;

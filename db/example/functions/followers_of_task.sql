-- Whom a comment on a task concerns: its assignee, who made it, and who has commented on it before.
create or replace function app.followers_of_task(task_id uuid)
    returns uuid[]
    language sql
    stable
    parallel safe
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct f.user_id) filter (where f.user_id is not null), '{}')
    from (
        select t.assignee_id as user_id from app.tasks t where t.id = followers_of_task.task_id
        union all
        select t.created_by from app.tasks t where t.id = followers_of_task.task_id
        union all
        select c.author_id from app.comments c where c.task_id = followers_of_task.task_id
    ) f;
$$;
revoke all on function app.followers_of_task(uuid) from public;

-- Tells the engine whose access to a project a change of members touches.
--
-- The triggers' names sort before `tidings_…`, so the access row stands before the visible event. A member who goes because
-- the project goes was told by `access_of_projects` before.
create or replace function app.access_of_members()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' then
        perform tidings.access_changed(c.user_id::text, 'project:' || c.project_id)
        from (
            select distinct d.user_id, d.project_id
            from ((table before except table after) union all (table after except table before)) d
        ) c;
    else
        perform tidings.access_changed(c.user_id::text, 'project:' || c.project_id)
        from changed c
        where exists (select from app.projects p where p.id = c.project_id);
    end if;
    return null;
end;
$$;
revoke all on function app.access_of_members() from public;

create or replace trigger access_insert
    after insert on app.project_members
    referencing new table as changed
    for each statement execute function app.access_of_members();
create or replace trigger access_update
    after update on app.project_members
    referencing old table as before new table as after
    for each statement execute function app.access_of_members();
create or replace trigger access_delete
    after delete on app.project_members
    referencing old table as changed
    for each statement execute function app.access_of_members();

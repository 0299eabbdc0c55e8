-- Tells the engine who loses (or gains) a project that is deleted or goes to another organisation: its members, and the
-- admins of the organisations concerned. Where it is deleted there is nothing left to read, and readers are told so.
--
-- Before the row goes, while the members can still be read: a cascade deletes them ahead of any statement trigger.
create or replace function app.access_of_projects()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform tidings.access_changed(
        u.id::text,
        'project:' || old.id,
        case when tg_op = 'DELETE' then 'deleted' else 'revoked' end
    )
    from app.users u
    where u.id in (select m.user_id from app.project_members m where m.project_id = old.id)
        or u.organisation_role = 'admin'
            and u.organisation_id in (old.organisation_id, case when tg_op = 'UPDATE' then new.organisation_id end);
    return case when tg_op = 'DELETE' then old else new end;
end;
$$;
revoke all on function app.access_of_projects() from public;

create or replace trigger access_delete
    before delete on app.projects
    for each row execute function app.access_of_projects();
create or replace trigger access_update
    after update of organisation_id on app.projects
    for each row
    when (old.organisation_id is distinct from new.organisation_id)
    execute function app.access_of_projects();

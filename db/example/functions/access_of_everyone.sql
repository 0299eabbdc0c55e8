-- Tells the engine to look at everyone's access again when a table that grants it is emptied. Before the rows go, so that
-- the users can still be read. The trigger's argument is the reason readers are told.
create or replace function app.access_of_everyone()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform tidings.access_changed(u.id::text, reason => tg_argv[0])
    from app.users u;
    return null;
end;
$$;
revoke all on function app.access_of_everyone() from public;

create or replace trigger access_truncate
    before truncate on app.users
    for each statement execute function app.access_of_everyone('revoked');
create or replace trigger access_truncate
    before truncate on app.projects
    for each statement execute function app.access_of_everyone('deleted');
create or replace trigger access_truncate
    before truncate on app.project_members
    for each statement execute function app.access_of_everyone('revoked');

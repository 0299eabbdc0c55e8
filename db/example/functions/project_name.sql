-- What a project is called, for the headings in mails.
create or replace function app.project_name(project_id uuid)
    returns text
    language sql
    stable
    parallel safe
    set search_path = pg_catalog, pg_temp
as $$
    select p.name from app.projects p where p.id = project_id;
$$;
revoke all on function app.project_name(uuid) from public;
grant execute on function app.project_name(uuid) to tidings_server;

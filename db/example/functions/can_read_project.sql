-- Whether a user may read a project: the policy of topic kind `project`. False for a user id that is no uuid.
create or replace function app.can_read_project(user_id text, project_id uuid)
    returns boolean
    language plpgsql
    stable
    parallel safe
    set search_path = pg_catalog, pg_temp
as $$
begin
    return app.project_role(user_id, project_id) is not null;
end;
$$;
revoke all on function app.can_read_project(text, uuid) from public;
grant execute on function app.can_read_project(text, uuid) to tidings_server;

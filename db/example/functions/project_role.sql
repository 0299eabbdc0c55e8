-- The role of a user in a project, null if they may not see it. Admins of its organisation are owners; members have the
-- role of their row, as long as they are of the organisation.
--
-- The id must be written as PostgreSQL prints a uuid: `user:<id>` is a topic, and another spelling would be another one.
create or replace function app.project_role(user_id text, project_id uuid)
    returns text
    language sql
    stable
    parallel safe
    set search_path = pg_catalog, pg_temp
as $$
    select case when u.organisation_role = 'admin' then 'owner' else m.role end
    from app.users u
    join app.projects p on p.organisation_id = u.organisation_id
    left join app.project_members m on m.project_id = p.id and m.user_id = u.id
    where p.id = project_role.project_id
        and u.id = case
            when project_role.user_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then project_role.user_id::uuid
        end;
$$;
revoke all on function app.project_role(text, uuid) from public;
grant execute on function app.project_role(text, uuid) to tidings_server;

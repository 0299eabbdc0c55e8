-- Tells the engine that everything a user may read is to be looked at again: they became or ceased to be an admin, went to
-- another organisation, or are gone.
create or replace function app.access_of_users()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' then
        perform tidings.access_changed(b.id::text)
        from before b
        left join after a on a.id = b.id
        where (b.organisation_id, b.organisation_role) is distinct from (a.organisation_id, a.organisation_role);
    else
        perform tidings.access_changed(c.id::text)
        from changed c;
    end if;
    return null;
end;
$$;
revoke all on function app.access_of_users() from public;

create or replace trigger access_update
    after update on app.users
    referencing old table as before new table as after
    for each statement execute function app.access_of_users();
create or replace trigger access_delete
    after delete on app.users
    referencing old table as changed
    for each statement execute function app.access_of_users();

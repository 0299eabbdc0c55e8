-- Sets a project's time with every update.
create or replace function app.touch_project()
    returns trigger
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    new.updated_at := now();
    return new;
end;
$$;
revoke all on function app.touch_project() from public;

create or replace trigger touch
    before update on app.projects
    for each row execute function app.touch_project();

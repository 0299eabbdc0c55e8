-- Adds 1 to a task's version and sets its time with every update, whoever writes and whatever they set.
create or replace function app.raise_task_version()
    returns trigger
    language plpgsql
    volatile
    set search_path = pg_catalog, pg_temp
as $$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end;
$$;
revoke all on function app.raise_task_version() from public;

create or replace trigger raise_version
    before update on app.tasks
    for each row execute function app.raise_task_version();

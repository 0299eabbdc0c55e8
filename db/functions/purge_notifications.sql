-- Deletes notifications older than a moment; at most max_rows, so that no lock is held long. Returns how many.
create or replace function tidings.purge_notifications(older_than timestamptz, max_rows integer default 5000)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_count integer;
begin
    delete from tidings.notification n
    where n.id in (
        select d.id from tidings.notification d where d.created_at < older_than limit max_rows for update skip locked
    );
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;
revoke all on function tidings.purge_notifications(timestamptz, integer) from public;
grant execute on function tidings.purge_notifications(timestamptz, integer) to tidings_server, tidings_dba;

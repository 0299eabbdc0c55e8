-- Deletes notifications older than a moment; at most max_rows of them, so that no lock is held long. Returns how many: call again
-- while that is max_rows. Any server calls it, hourly; one at a time does it. Nobody is told: who shows one that is gone, or
-- counts it, learns so with the next list.
--
-- Locks: the rows, the oldest first, and only those: what another is at is left for the next time. 2 000 rows, with their
-- entries in eight indexes, are some 40 ms from the first lock to the commit.
create or replace function tidings.purge_notifications(older_than timestamptz, max_rows integer default 2000)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
declare
    v_count integer;
begin
    perform from tidings.chore c where c.name = 'notifications' for update skip locked;
    if not found then
        return 0;
    end if;
    delete from tidings.notification n
    where n.id in (
        select d.id
        from tidings.notification d
        where d.created_at < older_than
        order by d.created_at
        limit max_rows
        for update skip locked
    );
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;
revoke all on function tidings.purge_notifications(timestamptz, integer) from public;
grant execute on function tidings.purge_notifications(timestamptz, integer) to tidings_server, tidings_dba;

-- Deletes mails that ended before a moment; at most max_rows of them. Returns how many: call again while that is max_rows. Any
-- server calls it, hourly. What they told keeps their number, so that it is in no other mail. A period must not be claimable any
-- more when its mail goes: keep them for five weeks at least.
create or replace function tidings.purge_digests(older_than timestamptz, max_rows integer default 2000)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_count integer;
begin
    delete from tidings.digest d
    where d.id in (
        select e.id
        from tidings.digest e
        where e.ended_at < older_than
        order by e.ended_at
        limit max_rows
        for update skip locked
    );
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;
revoke all on function tidings.purge_digests(timestamptz, integer) from public;
grant execute on function tidings.purge_digests(timestamptz, integer) to tidings_server, tidings_dba;

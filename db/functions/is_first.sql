-- Takes a key that may be used once within retention; false if it was taken before.
--
-- Locks: waits for a transaction that has just taken the same one.
create or replace function tidings.is_first(key text)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into tidings.dedupe (key) values (is_first.key) on conflict do nothing;
    return found;
end;
$$;
revoke all on function tidings.is_first(text) from public;
grant execute on function tidings.is_first(text) to tidings_dba, tidings_server;

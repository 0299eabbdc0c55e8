-- Deletes the kept answers of before `older_than`, and returns how many. Reading does not depend on it: an answer older
-- than a day is not given any more, purged or not.
create or replace function tidings.purge_idempotency(older_than timestamptz default now() - interval '24 hours')
    returns bigint
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from tidings.idempotency i where i.created_at < purge_idempotency.older_than returning 1
    )
    select count(*) from gone;
$$;
revoke all on function tidings.purge_idempotency(timestamptz) from public;
grant execute on function tidings.purge_idempotency(timestamptz) to tidings_server, tidings_dba;

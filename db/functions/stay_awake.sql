-- Takes the wake lock for this session, so that no trigger rings while this sequencer polls. False if another session
-- holds it; then the caller polls all the same. Only ever tried: a waiting exclusive request would make every trigger's
-- try fail although nobody polls.
create or replace function tidings.stay_awake()
    returns boolean
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
return pg_try_advisory_lock(1953064289, 1);
revoke all on function tidings.stay_awake() from public;
grant execute on function tidings.stay_awake() to tidings_server;

-- Releases the wake lock, then takes a transaction id of its own and returns it: every writer that may have seen the
-- sequencer awake has a lower one, so once no transaction below it is open, nobody is left who did not ring.
create or replace function tidings.fall_asleep()
    returns xid8
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from pg_locks l
        where l.locktype = 'advisory' and l.classid = 1953064289 and l.objid = 1 and l.pid = pg_backend_pid() and l.granted
    ) then
        perform pg_advisory_unlock(1953064289, 1);
    end if;
    return pg_current_xact_id();
end;
$$;
revoke all on function tidings.fall_asleep() from public;
grant execute on function tidings.fall_asleep() to tidings_server;

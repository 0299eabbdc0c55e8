-- Starts a new epoch by hand: after a restore that nothing can detect, such as a disk snapshot brought back in place.
-- Every position clients hold becomes void; they reload. Returns the epoch's name.
--
-- Locks: the sequencer's, waited for.
create or replace function tidings.new_epoch()
    returns text
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    st tidings.run;
begin
    lock table tidings.runner in exclusive mode;
    select * into st from tidings.run r order by r.run desc limit 1;
    st := tidings.begin_epoch(st);
    perform tidings.keep_state(st);
    if pg_notification_queue_usage() < 0.5 then
        perform pg_notify('tidings_stream', st.gseq::text);
    end if;
    return st.epoch;
end;
$$;
revoke all on function tidings.new_epoch() from public;
grant execute on function tidings.new_epoch() to tidings_dba;

-- The first epoch is there before the first event.
do $$
begin
    if not exists (select from tidings.run) then
        perform tidings.new_epoch();
    end if;
end;
$$;

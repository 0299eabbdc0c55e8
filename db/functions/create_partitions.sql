-- Makes the day partitions of the log from yesterday to `days_ahead` days from now, and moves the horizon on. Any server
-- calls it, hourly; harmless at any time. Returns how many partitions it made.
--
-- Each is created, then attached, so writers wait for no more than the attach. Locks: share update exclusive on the
-- parent, access exclusive on the default partition, for at most 50 ms of waiting each; a day that cannot be attached now,
-- or whose rows are already in the default partition, is left for a later call (or for ever: it works as it is).
create or replace function tidings.create_partitions(days_ahead integer default 14)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '50ms'
as $$
declare
    v_day date;
    v_parent text;
    v_name text;
    v_made integer := 0;
    v_horizon bigint := extract(epoch from date_trunc('day', clock_timestamp(), 'UTC') - interval '2 days');
    v_today date := (clock_timestamp() at time zone 'UTC')::date;
begin
    perform from tidings.chore c where c.name = 'partitions' for update skip locked;
    if not found then
        return 0;
    end if;
    for v_day in select generate_series(v_today - 1, v_today + days_ahead, '1 day')::date loop
        foreach v_parent in array array['event', 'stream'] loop
            v_name := v_parent || '_' || to_char(v_day, 'YYYYMMDD');
            continue when to_regclass('tidings.' || v_name) is not null;
            begin
                execute format('create table tidings.%I (like tidings.%I including defaults including constraints)', v_name, v_parent);
                execute format(
                    'alter table tidings.%I attach partition tidings.%I for values from (%L) to (%L)',
                    v_parent, v_name, v_day || ' 00:00:00+00', (v_day + 1) || ' 00:00:00+00'
                );
                v_made := v_made + 1;
            exception
                when lock_not_available or check_violation or deadlock_detected then null;
            end;
        end loop;
    end loop;
    if v_horizon > coalesce(pg_sequence_last_value('tidings.horizon'), 0) then
        perform setval('tidings.horizon', v_horizon);
    end if;
    return v_made;
end;
$$;
revoke all on function tidings.create_partitions(integer) from public;
grant execute on function tidings.create_partitions(integer) to tidings_server, tidings_dba;

-- The first days are there before the first event.
select tidings.create_partitions();

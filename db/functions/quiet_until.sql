-- When a moment's quiet hours end, or the moment itself if it lies in none: the first at which a mail may go. Hours are local,
-- may wrap midnight, and hold on both nights on which the clocks change: an end that does not exist that night is as much later
-- as the clocks jump, one that comes twice is the first.
create or replace function tidings.quiet_until(moment timestamptz, time_zone text, quiet_from time, quiet_to time)
    returns timestamptz
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_local constant timestamp := moment at time zone time_zone;
    v_at constant time := v_local::time;
    v_local_end timestamp;
    v_end timestamptz;
    v_step interval;
begin
    if quiet_from < quiet_to and v_at >= quiet_from and v_at < quiet_to or quiet_from > quiet_to and v_at < quiet_to then
        v_local_end := v_local::date + quiet_to;
    elsif quiet_from > quiet_to and v_at >= quiet_from then
        v_local_end := v_local::date + 1 + quiet_to;
    else
        return moment;
    end if;
    v_end := v_local_end at time zone time_zone;
    -- That is the second of a time that comes twice.
    foreach v_step in array array['2 h', '1 h', '30 min']::interval[] loop
        if (v_end - v_step) at time zone time_zone = v_local_end then
            return greatest(moment, v_end - v_step);
        end if;
    end loop;
    return greatest(moment, v_end);
end;
$$;
revoke all on function tidings.quiet_until(timestamptz, text, time, time) from public;
grant execute on function tidings.quiet_until(timestamptz, text, time, time) to tidings_server, tidings_dba;

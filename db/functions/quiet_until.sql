-- When a moment's quiet hours end, or the moment itself if it lies in none: the first at which a mail may go. Hours are local,
-- may wrap midnight, and hold on both nights on which the clocks change: an end that does not exist that night is as much later
-- as the clocks jump, one that comes twice is the first.
create or replace function tidings.quiet_until(moment timestamptz, time_zone text, quiet_from time, quiet_to time)
    returns timestamptz
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when quiet_from is null then moment
        when quiet_from < quiet_to and l.at::time >= quiet_from and l.at::time < quiet_to
            then greatest(moment, (l.at::date + quiet_to) at time zone time_zone)
        when quiet_from > quiet_to and l.at::time < quiet_to
            then greatest(moment, (l.at::date + quiet_to) at time zone time_zone)
        when quiet_from > quiet_to and l.at::time >= quiet_from
            then greatest(moment, (l.at::date + 1 + quiet_to) at time zone time_zone)
        else moment
    end
    from (select moment at time zone time_zone as at) l;
$$;
revoke all on function tidings.quiet_until(timestamptz, text, time, time) from public;
grant execute on function tidings.quiet_until(timestamptz, text, time, time) to tidings_server, tidings_dba;

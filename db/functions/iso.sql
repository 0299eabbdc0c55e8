-- A point in time as JSON carries it: ISO 8601, UTC, milliseconds, whatever the session's time zone.
-- Infinity becomes 'infinity'. Stable like to_char itself, so that the planner can inline it.
create or replace function tidings.iso(moment timestamptz)
    returns text
    language sql
    stable
    parallel safe
return case
    when isfinite(moment) then to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    else moment::text
end;
